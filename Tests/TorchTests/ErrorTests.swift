import Foundation
import TestSupport
import Testing
import Torch

/// Traps of programming errors state operation, location and reason.
@Suite struct ErrorTests {
    /// Checks that the error output of a terminated process contains all of `parts`.
    private func expect(
        _ result: ExitTest.Result?, said parts: String..., sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let text = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
        for part in parts {
            #expect(text.contains(part), "\(text.prefix(500))", sourceLocation: sourceLocation)
        }
    }

    @Test func aWrongShapeTraps() async throws {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = Tensor.zeros([1, 3, 8, 8]).conv2d(weight: .zeros([4, 2, 3, 3]), bias: nil, line: 4711)
        }
        try expect(
            result, said: "convolution(Float[1, 3, 8, 8], Float[4, 2, 3, 3], none, ",
            "expected input[1, 3, 8, 8] to have 2 channels, but got 3 channels", "ErrorTests.swift:4711")
    }

    /// A program that opts in reports a lack of memory and ends with its own status.
    @Test func outOfMemoryEndsThroughTheHandler() async throws {
        let result = await #expect(processExitsWith: .exitCode(1), observing: [\.standardErrorContent]) {
            Engine.endOnOutOfMemory(on: .cpu) { error in
                FileHandle.standardError.write(Data("Error: \(error)\n".utf8))
                _exit(1)
            }
            _ = Tensor.zeros([1 << 46])
        }
        try expect(result, said: "Error: out of memory", "batchSize")
    }

    /// The limit of the process lets many allocations fail whose sum exceeds the memory of the machine.
    @Test func sumsOfAllocationsAreLimited() async throws {
        let result = await #expect(processExitsWith: .exitCode(1), observing: [\.standardErrorContent]) {
            Engine.endOnOutOfMemory(on: .cpu) { error in
                FileHandle.standardError.write(Data("Error: \(error)\n".utf8))
                _exit(1)
            }
            // Memory that is never written does not count for the kernel, but for the limit.
            var all: [Tensor] = []
            for _ in 0..<100_000 {
                let shape = [1 << 28]
                all.append(op("empty.memory_format", [shape], named: ["dtype": DType.float32], #fileID, 4711))
            }
        }
        try expect(result, said: "Error: out of memory")
    }

    @Test func anUnknownOperatorTraps() async throws {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            op("no_such_operator", [1.0], #fileID, 4711)
        }
        try expect(
            result, said: "no_such_operator(1.0): the engine has no operator no_such_operator",
            "ErrorTests.swift:4711")
    }

    @Test func wrongArgumentsTrap() async throws {
        var result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            op("relu", [nil], #fileID, #line)
        }
        try expect(result, said: "argument self: expected Tensor, got nothing")
        result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            op("relu", [Tensor(1), 2], #fileID, #line)
        }
        try expect(result, said: "expected at most 1 arguments")
        result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            op("flatten.using_ints", [Tensor(1), 0.5], #fileID, #line)
        }
        try expect(result, said: "argument start_dim: expected int, got a floating-point number")
        result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            op("zeros", [[2]], named: ["colour": 1.0], #fileID, #line)
        }
        try expect(result, said: "colour: 1.0): there is no argument colour")
        result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            op("cat", [Tensor(1)], #fileID, #line)
        }
        try expect(result, said: "argument tensors: expected Tensor[], got a tensor")
    }

    @Test func wrongResultsTrap() async throws {
        var result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = Tensor.zeros([6]).chunks(4)
        }
        try expect(result, said: "chunk(Float[6], 4, 0): expected 4 results, got 3")
        result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            op("size.int", [Tensor.zeros([6]), 0], #fileID, #line)
        }
        try expect(result, said: "gives a result of type Int, not a tensor")
    }

    @Test func misuseOfATensorTraps() async throws {
        var result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = Tensor.zeros([2, 2]).item()
        }
        try expect(result, said: "item: expected one element, got Float[2, 2]")
        result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            Tensor.zeros([2, 2]).transposed(0, 1)[0..<1].expanded(to: [4, 2]).withBytes { _ in }
        }
        try expect(result, said: "withBytes: expected a contiguous tensor on the CPU, got Float[4, 2]")
        result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = Tensor([1, 2, 3] as [Float], shape: [2, 2])
        }
        try expect(result, said: "tensor of Float[2, 2]: from bytes: expected 16 bytes")
        result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = Tensor([1, 2, 3] as [Float], shape: [-1])
        }
        try expect(result, said: "tensor of Float[-1]")
    }

    @Test func misuseOfGradientsTraps() async throws {
        var result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            Tensor.zeros([2]).requiringGradient().square().backward()
        }
        try expect(result, said: "backward of Float[2]: grad can be implicitly created only")
        result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = gradients(of: [Tensor(1)], wrt: [Tensor(2)])
        }
        try expect(result, said: "does not require grad")
        result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            Tensor([1, 2, 3]).requiringGradient()
        }
        try expect(result, said: "requiringGradient of Int64[3]")
    }

    @Test func outOfMemoryTrapsOutsideAScope() async throws {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = Tensor.zeros([1 << 50])
        }
        try expect(result, said: "zeros([1125899906842624], dtype: Float, device: cpu): ")
    }

    /// Memory statistics before the first use of the device, and of a device that does not exist.
    @Test func memoryOfAnUnusedDevice() throws {
        let count = Engine.cudaDeviceCount
        for index in 0..<count { #expect(try Engine.cudaMemory(index).total > 0) }
        for index in [count, -1, .max] {
            let error = #expect(throws: TorchError.self) { try Engine.cudaMemory(index) }
            #expect("\(try #require(error))".contains("CUDA devices: \(count)"), "\(error!)")
        }
    }

    @Test func messagesContainAdvice() {
        #expect("\(TorchError.engineNotLoaded("no file"))".contains("make setup"))
        #expect("\(TorchError.outOfMemory("conv2d"))".contains("batchSize"))
    }
}

/// Out of memory ends a recovery scope instead of the process, and no result of the scope is used.
@Suite struct RecoveryTests {
    private static let tooMany = 1 << 50
    private struct Other: Error {}

    @Test func theFirstFailureIsThrown() throws {
        let error = #expect(throws: TorchError.self) {
            try recoveringFromOutOfMemory {
                let lost = Tensor.zeros([Self.tooMany])
                _ = Tensor.ones([Self.tooMany]) + lost
            }
        }
        let text = "\(try #require(error))"
        #expect(text.hasPrefix("out of memory: zeros([1125899906842624]"))
    }

    @Test func noOperatorRunsAfterAFailure() throws {
        let kept = Tensor.ones([2])
        let random = RandomSource(seed: 1)
        let state = random.state
        #expect(throws: TorchError.self) {
            try recoveringFromOutOfMemory {
                let w = Tensor.ones([2]).requiringGradient()
                let lost = Tensor.zeros([Self.tooMany])
                #expect(lost.isPoisoned)
                #expect(lost.shape == [1, 1, 1, 1])
                #expect(lost.item().isNaN)
                #expect(lost.floats().count == 1)
                #expect(lost.summary == "(no memory)")
                #expect(!lost.requiringGradient().requiresGradient)
                #expect(lost.chunks(3).count == 3)
                #expect(Tensor([1, 2] as [Float]).isPoisoned)
                // Unrelated tensors must not change either: otherwise a step could be applied in part.
                kept.add_(Tensor.ones([2]))
                kept.normal_(random: random)
                foreachMultiply_([kept], by: 3)
                w.gradient = lost
                let loss = (w * lost).sum()
                loss.backward()
                #expect(w.gradient == nil)
                #expect(gradients(of: [loss], wrt: [w, lost]).allSatisfy { $0?.isPoisoned == true })
            }
        }
        #expect(kept.floats() == [1, 1])
        #expect(random.state == state)
    }

    @Test func scopesNest() throws {
        let value = try recoveringFromOutOfMemory {
            #expect(throws: TorchError.self) {
                try recoveringFromOutOfMemory { Tensor.zeros([Self.tooMany]) }
            }
            return Tensor(3).item()
        }
        #expect(value == 3)
        #expect(throws: TorchError.self) {
            try recoveringFromOutOfMemory {
                _ = Tensor.zeros([Self.tooMany])
                _ = try recoveringFromOutOfMemory { 1 }
                Issue.record("a scope inside a failed scope ran")
            }
        }
    }

    @Test func outOfMemoryTakesPrecedenceOverErrorsOfTheBody() throws {
        #expect(throws: TorchError.self) {
            try recoveringFromOutOfMemory {
                if Tensor.zeros([Self.tooMany]).sum().item().isNaN { throw Other() }
            }
        }
        #expect(throws: Other.self) { try recoveringFromOutOfMemory { throw Other() } }
    }

    @Test func backwardRecovers() throws {
        // The broadcast gradient is far larger than every tensor before it.
        #expect(throws: TorchError.self) {
            try recoveringFromOutOfMemory {
                let x = Tensor.ones([1, 1 << 20]).requiringGradient()
                let wide = x.expanded(to: [1 << 28, 1 << 20])
                _ = gradients(of: [wide], wrt: [x], seeds: [wide.detached() * 2])
            }
        }
        #expect(Tensor(2).item() == 2)
    }

    @Test func aPoisonedTensorIsNotWritten() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("lost.safetensors")
        #expect(throws: TorchError.self) {
            try recoveringFromOutOfMemory {
                let lost = Tensor.zeros([Self.tooMany])
                try TensorFile.write(path, tensors: [("lost", lost)])
            }
        }
        #expect(try folder.contents() == [])
    }

    @Test func aPoisonedTensorOutsideItsScopeTraps() async throws {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            nonisolated(unsafe) var lost: Tensor?
            try? recoveringFromOutOfMemory { lost = Tensor.zeros([1 << 50]) }
            _ = lost.map { $0 + 1 }
        }
        let text = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
        #expect(text.contains("add.Scalar: received a tensor that was not computed for lack of memory"))
    }
}
