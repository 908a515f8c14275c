import Files
import TestSupport
import Testing

@Suite struct PyTorchTests {
    private func expectEqual(_ file: PyTorchFile, _ golden: String) throws {
        let expected = try SafetensorsFile(path: goldens("Files/" + golden))
        #expect(Set(file.tensors.map(\.name)) == Set(expected.entries.map(\.name)))
        for (name, tensor) in file.tensors {
            let entry = try #require(expected[name])
            #expect(tensor.dtype == entry.dtype, "\(name)")
            #expect(tensor.shape == entry.shape, "\(name)")
            #expect(try tensor.contiguousBytes() == expected.bytes(entry), "\(name)")
            #expect(tensor.byteCount == entry.range.count)
        }
    }

    @Test(arguments: [
        ("state.pth", "state"), ("protocol4.pth", "state"), ("repacked.pth", "state"),
        ("legacy.pth", "state"),
        ("legacy4.pth", "state"), ("wide.pth", "wide"), ("legacy_views.pth", "legacy_views"),
    ])
    func readsFilesOfPyTorch(name: String, golden: String) throws {
        let file = try PyTorchFile(path: goldens("Files/" + name))
        try expectEqual(file, golden + ".safetensors")
        #expect(file.scalars.isEmpty)
        if golden == "state" {
            #expect(
                file.tensors.map(\.name).prefix(4) == ["conv.weight", "conv.bias", "transposed", "strided"])
            #expect(file["transposed"]?.strides == [1, 6])
            #expect(file["conv.bias"]?.storageOffset == 3)
            #expect(file["none"] == nil)
        }
    }

    @Test func flattensACheckpoint() throws {
        let file = try PyTorchFile(path: goldens("Files/checkpoint.pth"))
        try expectEqual(file, "checkpoint.safetensors")
        #expect(file.scalars["epoch"] == .integer(3))
        #expect(file.scalars["best"] == .real(-1.5))
        #expect(file.scalars["name"] == .text("run"))
        #expect(file.scalars["done"] == .bool(false))
        #expect(file.scalars["big"] == .integer(1 << 40))
        #expect(file.scalars["minus"] == .integer(-5))
        #expect(file.scalars["size.1"] == .integer(3))
        #expect(file.scalars["optimizer.param_groups.0.lr"] == .real(2e-4))
        #expect(file.scalars["optimizer.param_groups.0.betas.1"] == .real(0.999))
        #expect(file.scalars["nothing"] == nil)
    }

    @Test func readsOneTensor() throws {
        let file = try PyTorchFile(path: goldens("Files/tensor.pth"))
        #expect(file.tensors.map(\.name) == ["tensor"])
        #expect(file["tensor"]?.shape == [24])
    }

    @Test func readsAHandWrittenPickle() throws {
        let file = try PyTorchFile(path: goldens("Files/hand_good.pth"))
        #expect(try file["x"]?.contiguousBytes() == [UInt8](repeating: 0, count: 16))
    }

    @Test(arguments: [
        ("refused_system.pth", "posix.system\", which is not supported"),
        ("refused_system_legacy.pth", "posix.system\", which is not supported"),
        ("refused_class.pth", "training.words.Words"),
        ("refused_module.pth", "torch.nn.modules.linear.Linear"),
        ("refused_numpy.pth", "_codecs.encode"),
        ("refused_complex.pth", "torch.ComplexFloatStorage"),
        ("refused_script.pt", "TorchScript"),
        ("refused_pickle.pkl", "not a file written by torch.save but a Python pickle"),
        ("refused_big_endian.pth", "the byte order of the file is \"big\""),
        ("refused_beyond.pth", "a tensor of shape [5]"),
        ("refused_offset.pth", "a tensor of shape [2]"),
        ("refused_negative.pth", "a dimension or stride is negative"),
        ("refused_overflow.pth", "a tensor of shape"),
        ("refused_expanded.pth", "far more elements than it stores"),
        ("refused_count.pth", "has another size"),
        ("refused_deep.pth", "exceeds the limits of depth or number of entries"),
        ("refused_tuples.pth", "exceeds the limits of depth or number of entries"),
        ("refused_cycle.pth", "exceeds the limits of depth or number of entries"),
        ("refused_laughs.pth", "exceeds the limits of depth or number of entries"),
        ("refused_twice.pth", "\"a.b\" occurs twice"),
        ("refused_stack.pth", "the stack is empty"),
        ("stored.zip", "not a PyTorch file"),
        ("gnu.tar", "but a tar archive"),
        ("types.safetensors", "but a safetensors file"),
    ])
    func rejects(name: String, text: String) throws {
        let path = goldens("Files/" + name)
        expectError(path, text) { _ = try PyTorchFile(path: path) }
    }

    /// The old format has no checksums, so only its own descriptions can be validated.
    @Test func rejectsTruncatedLegacyFiles() throws {
        let folder = try TemporaryFolder()
        let whole = try MappedFile(path: goldens("Files/legacy.pth"))
        for keep in [whole.count - 1, whole.count - 9, whole.count / 2, 20, 2] {
            let path = try folder.write(try whole.bytes(0..<keep), to: "cut.pth")
            #expect(throws: FileError.self) { try PyTorchFile(path: path) }
        }
        let longer = try folder.write(try whole.bytes(whole.all) + [0], to: "long.pth")
        expectError(longer, "1 bytes follow") { _ = try PyTorchFile(path: longer) }
    }

    @Test func flippedBitsOfTheZipFormatAreRejectedOrHarmless() throws {
        let folder = try TemporaryFolder()
        let original = try PyTorchFile(path: goldens("Files/state.pth"))
        let expected = try original.tensors.map { try $0.tensor.contiguousBytes() }
        let whole = try MappedFile(path: goldens("Files/state.pth"))
        let bytes = try whole.bytes(whole.all)
        var (rejected, different) = (0, 0)
        for i in stride(from: 0, to: bytes.count, by: 3) {
            var broken = bytes
            broken[i] ^= UInt8(1 << (i % 8))
            let path = try folder.write(broken, to: "broken.pth")
            guard let file = try? PyTorchFile(path: path) else {
                rejected += 1
                continue
            }
            // Dates and unused flags can change.
            let found = try file.tensors.map { try $0.tensor.contiguousBytes() }
            if found != expected || file.tensors.map(\.name) != original.tensors.map(\.name) {
                different += 1
            }
        }
        #expect(different == 0)
        #expect(rejected > bytes.count / 12)
    }

    /// The expected digests are those of the concatenated tensors as read by PyTorch.
    @Test(
        .enabled(if: realData() != nil),
        arguments: [
            ("lpips/alex.pth", 5, "718a8b40b0d22f96"),
            ("lpips/squeeze.pth", 7, "68f1b1752260e033"),
            ("lpips/vgg.pth", 5, "9153a2043dccf3b5"),
            ("mobilefacenet/mobilefacenet.pt", 307, "c6dd8ccf71d98859"),
            ("mtcnn/onet.pt", 21, "b90bb3ab36dbad6d"),
            ("mtcnn/pnet.pt", 13, "d1622ddbe9a55f9f"),
            ("mtcnn/rnet.pt", 16, "bd6cc4424e5374a7"),
            ("squeezenet/squeezenet1_1_torchvision_names.pth", 52, "bae3b58858f3091c"),
            ("yunet/yunet_n.pth", 362, "37b6d03291bb8df0"),
            ("yunet/yunet_s.pth", 317, "2950df918adf9287"),
        ])
    func readsRealWeights(name: String, count: Int, digest: String) throws {
        let file = try PyTorchFile(path: try #require(realData()) + "/weights/" + name)
        #expect(file.tensors.count == count)
        var stream = Digest.SHA256Stream()
        for (_, tensor) in file.tensors { stream.update(try tensor.contiguousBytes()) }
        #expect(stream.finish().hasPrefix(digest))
    }
}
