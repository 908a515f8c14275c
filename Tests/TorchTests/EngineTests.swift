import Foundation
import TestSupport
import Testing
import Torch

/// Loading, description and settings of the engine, and the error for a missing engine.
@Suite struct EngineTests {
    @Test func description() {
        #expect(Engine.version.wholeMatch(of: /2\.\d+\.\d+.*/) != nil)
        #expect(Engine.configuration.contains("PyTorch built with"))
        #expect(!Engine.cpuCapability.isEmpty)
        #expect(Engine.trace.contains("libtorch is in "))
        #expect(Engine.bestDevice == (Engine.cudaDeviceCount > 0 ? .cuda(0) : .cpu))
    }

    @Test func missingEngine() async {
        await #expect(processExitsWith: .success) {
            setenv("TORCH_HOME", "/nowhere", 1)
            let error = #expect(throws: TorchError.self) { try Engine.load() }
            let text = "\(try #require(error))"
            #expect(text.contains("/nowhere/lib/libc10"))
            #expect(text.contains("make setup") && text.contains("TORCH_HOME"))
            #expect(Engine.trace.contains("failed /nowhere/lib/libc10"))
            // Another attempt may succeed.
            unsetenv("TORCH_HOME")
            setenv("FACEGAN_ENGINE", "/nowhere/engine.so", 1)
            #expect(throws: TorchError.self) { try Engine.load() }
            unsetenv("FACEGAN_ENGINE")
            try Engine.load()
            #expect(Tensor(2).item() == 2)
        }
    }

    @Test func concurrentLoading() async {
        await #expect(processExitsWith: .success) {
            DispatchQueue.concurrentPerform(iterations: 8) { index in
                #expect(Tensor(Double(index)).item() == Double(index))
            }
        }
    }

    @Test func threads() async {
        await #expect(processExitsWith: .success) {
            Engine.setThreads(3)
            #expect(Engine.threadCount == 3)
            // The inter-op pool keeps its first size. Setting it again is not an error.
            Engine.setThreads(1, interOp: 2)
            #expect(Engine.threadCount == 1)
            Engine.flushDenormals(true)
            #expect((Tensor(1e-39) * 0.5).item() == 0)
        }
    }

    @Test func deterministicMode() async throws {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            Engine.setDeterministic(true)
            let x = Tensor.ones([3, 3])
            op("put_", [x, Tensor([0]), Tensor([1] as [Float]), false], #fileID, #line)
        }
        let text = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
        #expect(text.contains("deterministic"), "\(text.prefix(500))")
    }
}

/// Every operator named in the sources exists in every supported version of libtorch.
@Suite struct SchemaTests {
    @Test func everyNamedOperatorExists() throws {
        let sources = URL(fileURLWithPath: packageRoot() + "/Sources")
        let files = try #require(FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil))
        var names = Set<String>()
        for case let file as URL in files where file.pathExtension == "swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            for match in text.matches(of: /\bops?\(\s*"([^"]+)"/) { names.insert(String(match.1)) }
        }
        #expect(names.count > 90)
        #expect(names.filter { !Engine.knows(operator: $0) } == [])
    }

    @Test func schemas() throws {
        #expect(Engine.schema(of: "relu") == "aten::relu(Tensor self) -> Tensor")
        #expect(try #require(Engine.schema(of: "aten::add.Tensor")).hasPrefix("aten::add.Tensor("))
        for name in ["", "no_such_operator", "add.NoSuchOverload", "nowhere::add", "::", ".", "aten::"] {
            #expect(!Engine.knows(operator: name), "\(name)")
        }
    }
}
