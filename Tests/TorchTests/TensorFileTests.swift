import Files
import TestSupport
import Testing
import Torch

/// Tensors are read as they were written, and damaged files are rejected.
@Suite struct TensorFileTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func everyDTypeRoundTrips() throws {
        let path = folder.file("all.safetensors")
        let random = RandomSource(seed: 3)
        var tensors = DType.allCases.map { dtype in
            (name: "\(dtype)", tensor: (Tensor.normal([3, 5], random: random) * 2).to(dtype))
        }
        tensors.append(("scalar", Tensor(2.5)))
        tensors.append(("empty", Tensor.zeros([0, 3])))
        tensors.append(("transposed", Tensor.normal([3, 5], random: random).transposed(0, 1)))
        tensors.append(("last", Tensor.normal([2, 3, 4, 5], random: random).to(.channelsLast)))
        tensors.append(("leaf", Tensor.normal([2], random: random).requiringGradient()))
        let digest = try TensorFile.write(path, tensors: tensors, metadata: ["kimg": "12", "名": "脸"])
        let read = try TensorFile.read(path, requiringChecksum: true)
        #expect(read.metadata["kimg"] == "12" && read.metadata["名"] == "脸")
        #expect(read.metadata["sha256"] == digest)
        #expect(read.tensors.map(\.name) == tensors.map(\.name))
        for (before, after) in zip(tensors, read.tensors) {
            #expect(after.tensor.dtype == before.tensor.dtype && after.tensor.shape == before.tensor.shape)
            #expect(after.tensor.bytes() == before.tensor.bytes(), "\(before.name)")
        }
        let file = try TensorFile(path: path)
        #expect(file.names == tensors.map(\.name))
        #expect(file.shape(of: "last") == [2, 3, 4, 5] && file.shape(of: "none") == nil)
        #expect(try file.tensor("Double")?.bytes() == tensors.first { $0.name == "Double" }?.tensor.bytes())
        #expect(try file.tensor("none") == nil)
    }

    @Test func tensorsOutliveTheFile() throws {
        let path = folder.file("short.safetensors")
        try TensorFile.write(path, tensors: [("x", Tensor.ones([1000]))])
        let x = try #require(try TensorFile(path: path).tensor("x"))
        // Replacing an open file does not change the existing mapping.
        let opened = try TensorFile(path: path)
        try TensorFile.write(path, tensors: [("x", Tensor.zeros([3]))])
        #expect(try opened.tensor("x")?.sum().item() == 1000)
        #expect(x.sum().item() == 1000)
        #expect(try TensorFile(path: path).shape(of: "x") == [3])
    }

    @Test func unsupportedTypesAreRejected() throws {
        let error = #expect(throws: FileError.self) {
            try TensorFile.read(goldens("Files/types.safetensors"))
        }
        let text = "\(try #require(error))"
        #expect(text.contains("has the unsupported element type U"))
        #expect(text.contains("Convert it to one of U8 I8 I16 I32 I64 F16 F32 F64 BOOL BF16."))
    }

    @Test func boolValuesAreChecked() throws {
        let path = folder.file("bool.safetensors")
        try SafetensorsWriter.write(
            path: path, entries: [.init(name: "b", dtype: .bool, shape: [2], bytes: [1, 7])])
        let error = #expect(throws: FileError.self) { try TensorFile.read(path) }
        #expect("\(try #require(error))".contains("the Bool tensor \"b\" has values other than 0 and 1"))
    }

    @Test func aChecksumCanBeRequired() throws {
        let path = goldens("Torch/lists.safetensors")
        #expect(try TensorFile.read(path).tensors.count > 10)
        #expect(throws: FileError.self) { try TensorFile.read(path, requiringChecksum: true) }
    }

    @Test func damageIsRejected() throws {
        let path = folder.file("good.safetensors")
        let tensors = [("a", Tensor.ones([40])), ("b", Tensor.zeros([3, 7]))]
        try TensorFile.write(path, tensors: tensors, metadata: ["recipe": "dcgan"])
        let good = try MappedFile(path: path).bytes
        var refused = 0
        for round in FuzzNumbers("tensor-file", usual: 300) {
            var mutator = Mutator(seed: UInt64(round))
            let bytes = mutator.mutate(good)
            if bytes == good { continue }
            let bad = try folder.write(bytes, to: "bad.safetensors")
            #expect(throws: FileError.self, "mutation \(round)") {
                try TensorFile.read(bad, requiringChecksum: true)
            }
            refused += 1
        }
        #expect(refused > 0)
    }

    @Test(arguments: ["state", "legacy_views", "checkpoint"])
    func stateDictionariesEqualTheirTensors(_ name: String) throws {
        let state = try PyTorchStateDictionary.read(goldens("Files/\(name).pth"))
        let expected = try SafetensorsFile(path: goldens("Files/\(name).safetensors"))
        #expect(Set(state.map(\.name)) == Set(expected.entries.map(\.name)))
        for (name, tensor) in state {
            let entry = try #require(expected[name])
            #expect(tensor.shape == entry.shape, "\(name)")
            #expect(tensor.bytes() == (try expected.bytes(entry)), "\(name)")
        }
    }

    @Test func unsupportedTypesInStateDictionariesAreRejected() throws {
        let error = #expect(throws: FileError.self) {
            try PyTorchStateDictionary.read(goldens("Files/wide.pth"))
        }
        #expect("\(try #require(error))".contains("has the unsupported element type U"))
    }

    @Test func codeInStateDictionariesIsRejected() throws {
        let error = #expect(throws: FileError.self) {
            try PyTorchStateDictionary.read(goldens("Files/refused_system.pth"))
        }
        #expect("\(try #require(error))".contains("system"))
    }

    /// The legacy format has no checksums: a damaged file yields complete tensors or a `FileError`.
    @Test(arguments: ["legacy", "state"]) func damagedStateDictionariesAreSafe(_ name: String) throws {
        let good = try MappedFile(path: goldens("Files/\(name).pth")).bytes
        for number in FuzzNumbers("state-dictionary-" + name, usual: 200) {
            var mutator = Mutator(seed: UInt64(number))
            let bad = try folder.write(mutator.mutate(good), to: "bad.pth")
            do {
                for (name, tensor) in try PyTorchStateDictionary.read(bad) {
                    #expect(tensor.bytes().count == tensor.count * tensor.dtype.byteCount, "\(name)")
                }
            } catch { #expect(error is FileError, "\(error)") }
        }
    }
}

extension MappedFile {
    fileprivate var bytes: [UInt8] { get throws { try bytes(all) } }
}
