import Datasets
import Files
import Foundation
import Imaging
import SyntheticFaces
import TestSupport
import Testing

struct StoreTests {
    private func prepare(
        _ source: any PictureSource, _ name: String, to path: String, options: PreparationOptions = .init()
    ) throws -> (FaceStore, StorePreparation.Report) {
        let report = try StorePreparation.prepare(
            source: source, protocol: .parse(name), to: path, options: options)
        return (try FaceStore(path: path), report)
    }

    @Test func containsTheSamplesOfTheProtocol() throws {
        let folder = try Fixtures.folder(9)
        let (store, report) = try prepare(
            SourceOpener.open(folder.path), "square32", to: folder.file("x.faces"))
        #expect(store.count == 9)
        #expect(store.size == 32)
        #expect(report.written == 9)
        #expect(report.bad.isEmpty)
        #expect(store.names == (0..<9).map { String(format: "%04d.png", $0) })
        let data = try DataProtocol.parse("square32")
        #expect(store.data == data)
        for i in 0..<9 { #expect(try store.picture(i) == data.apply(Fixtures.picture(i))) }
        #expect(store.contentHash == report.contentHash)
        try store.verify()
    }

    @Test func resultsDoNotDependOnThreadsOrMemory() throws {
        let folder = try Fixtures.folder(40)
        let source = try SourceOpener.open(folder.path)
        var files: [[UInt8]] = []
        // The result is also the same whether samples are buffered in memory or on disk.
        for (threads, memory) in [(1, 1 << 28), (2, 0), (7, 10_000)] {
            let path = folder.file("\(threads).faces")
            var options = PreparationOptions(threads: threads)
            options.memoryLimit = memory
            _ = try prepare(source, "square16", to: path, options: options)
            files.append(try MappedFile(path: path).bytes(0..<MappedFile(path: path).count))
        }
        #expect(files[0] == files[1] && files[1] == files[2])
    }

    @Test func contentDoesNotDependOnTheKindOfSource() throws {
        let folder = try TemporaryFolder()
        let files = try (0..<6).map { (name: "\($0).png", bytes: try Fixtures.png($0)) }
        for file in files { try folder.write(file.bytes, to: "folder/" + file.name) }
        try folder.write(Fixtures.zip(files.reversed()), to: "p.zip")
        try folder.write(Fixtures.gzip(Fixtures.tar(files)), to: "p.tgz")
        let hashes = try ["folder", "p.zip", "p.tgz"].map { name in
            try prepare(SourceOpener.open(folder.file(name)), "square16", to: folder.file("x.faces")).0
                .contentHash
        }
        #expect(Set(hashes).count == 1)
    }

    @Test func badPicturesAreSkippedWithTheirLabels() throws {
        let folder = try TemporaryFolder()
        for i in 1...5 { try folder.write(Fixtures.jpeg(i), to: "00000\(i).jpg") }
        let whole = try Fixtures.jpeg(2)
        try folder.write(Array(whole.prefix(whole.count / 3)), to: "000002.jpg")
        try folder.write("<html>", to: "000004.jpg")
        try folder.write(
            "5\nA B\n" + (1...5).map { "00000\($0).jpg \($0 % 2 == 0 ? 1 : -1) 1\n" }.joined(),
            to: "list_attr_celeba.txt")
        try folder.write(
            (1...5).map { "00000\($0).jpg \($0 == 5 ? 1 : 0)\n" }.joined(), to: "list_eval_partition.txt")
        let (store, report) = try prepare(
            SourceOpener.open(folder.path), "celeba32-178", to: folder.file("x.faces"))
        #expect(store.names == ["000001.jpg", "000003.jpg", "000005.jpg"])
        #expect(report.bad.map(\.name) == ["000002.jpg", "000004.jpg"])
        #expect(report.bad[0].reason.contains("truncated"))
        #expect(store.skippedCount == 2)
        #expect(store.labels.attributeNames == ["A", "B"])
        #expect(store.labels.attributes == [-1, 1, -1, 1, -1, 1])
        #expect(store.indices(of: .validation) == [2])
    }

    @Test func optionsSelectPictures() throws {
        let folder = try TemporaryFolder()
        for i in 1...6 { try folder.write(Fixtures.jpeg(i), to: "00000\(i).jpg") }
        try folder.write((1...6).map { "00000\($0).jpg \($0 % 2)\n" }.joined(), to: "list_eval_partition.txt")
        let source = try SourceOpener.open(folder.path)
        func names(_ options: PreparationOptions) throws -> [String] {
            try prepare(source, "celeba16-108", to: folder.file("x.faces"), options: options).0.names
        }
        #expect(try names(.init(limit: 2)) == ["000001.jpg", "000002.jpg"])
        #expect(try names(.init(split: .validation)) == ["000001.jpg", "000003.jpg", "000005.jpg"])
        #expect(
            try names(.init(limit: 2, split: .train, excluded: ["000002.jpg"])) == [
                "000004.jpg", "000006.jpg",
            ])
        #expect(throws: DataError.self) { try names(.init(split: .test)) }
        let plain = try Fixtures.folder(1)
        #expect(throws: DataError.self) {
            try prepare(
                SourceOpener.open(plain.path), "square16", to: plain.file("x.faces"),
                options: .init(split: .train))
        }
    }

    @Test func landmarksAreMappedToTheSample() throws {
        let folder = try TemporaryFolder()
        try folder.write(Fixtures.jpeg(1), to: "000001.jpg")
        try folder.write("1\nA\n000001.jpg 1\n", to: "list_attr_celeba.txt")
        try folder.write(
            "1\nlefteye_x lefteye_y r_x r_y n_x n_y l_x l_y m_x m_y\n000001.jpg 89 109 0 20 178 "
                + "198 89 20 0 109\n",
            to: "list_landmarks_align_celeba.txt")
        let (store, _) = try prepare(
            SourceOpener.open(folder.path), "celeba64-178", to: folder.file("x.faces"))
        #expect(store.labels.landmarks == [32, 32, 0, 0, 64, 64, 32, 0, 0, 32])
    }

    @Test func builtInFacesKeepTheirLabels() throws {
        let folder = try TemporaryFolder()
        let (store, _) = try prepare(SourceOpener.open("builtin:3"), "faces32", to: folder.file("x.faces"))
        let face = BuiltInFaces(seed: 0).face(2, size: 32)
        #expect(store.picture(2) == face.picture)
        #expect(Array(store.labels.attributes.suffix(40)) == face.attributes)
        for (a, b) in zip(store.labels.landmarks.suffix(10), face.landmarks.flatMap { [$0.x, $0.y] }) {
            #expect(abs(a - b) < 0.05)
        }
    }

    @Test func vectorsAndClassesAreKept() throws {
        let folder = try Fixtures.folder(2)
        try folder.write(#"{"labels": [["0000.png", [1, 0.5]], ["0001.png", [0, -2]]]}"#, to: "dataset.json")
        let (store, _) = try prepare(SourceOpener.open(folder.path), "square16", to: folder.file("x.faces"))
        #expect(store.labels.vectors == [1, 0.5, 0, -2])
        #expect(store.labels.vectorWidth == 2)
    }

    @Test func lineBreaksInNamesAreReplaced() throws {
        let folder = try TemporaryFolder()
        try folder.write(Fixtures.png(1), to: "a\nb.png")
        try folder.write(Fixtures.png(2), to: "c.png")
        let source = try SourceOpener.open(folder.path)
        let path = folder.file("x.faces")
        #expect(try prepare(source, "square16", to: path).0.names == ["a\\x0Ab.png", "c.png"])
        let without = PreparationOptions(excluded: ["a\\x0Ab.png"])
        #expect(try prepare(source, "square16", to: path, options: without).0.names == ["c.png"])
    }

    @Test func cancellationLeavesNoFiles() throws {
        let folder = try Fixtures.folder(30)
        let before = try folder.contents()
        var polls = 0
        #expect(throws: CancellationError.self) {
            try StorePreparation.prepare(
                source: SourceOpener.open(folder.path), protocol: .parse("square16"),
                to: folder.file("x.faces"),
                cancelled: {
                    polls += 1
                    return polls == 5
                })
        }
        #expect(try folder.contents() == before)
    }

    @Test func progressCountsEveryPicture() throws {
        let folder = try Fixtures.folder(7)
        var seen: [Int] = []
        _ = try StorePreparation.prepare(
            source: SourceOpener.open(folder.path), protocol: .parse("square16"), to: folder.file("x.faces"),
            progress: { done, total in
                #expect(total == 7)
                seen.append(done)
            })
        #expect(seen == Array(0...7))
    }

    @Test func aStoreWithoutPicturesIsAnError() throws {
        let folder = try TemporaryFolder()
        try folder.write("nothing", to: "a.png")
        let error = #expect(throws: DataError.self) {
            try prepare(SourceOpener.open(folder.path), "square16", to: folder.file("x.faces"))
        }
        #expect(error?.description.contains("a.png") == true)
        #expect(try folder.contents() == ["a.png"])
    }

    @Test func invalidStoresAreRejected() throws {
        let folder = try Fixtures.folder(2)
        let (store, _) = try prepare(SourceOpener.open(folder.path), "square16", to: folder.file("x.faces"))
        var bytes = try MappedFile(path: store.path).bytes(0..<MappedFile(path: store.path).count)
        bytes[bytes.count - 30] ^= 1
        #expect(throws: DataError.self) { try FaceStore(path: folder.write(bytes, to: "broken.faces")) }
        #expect(throws: FileError.self) {
            try FaceStore(path: folder.write(bytes.dropLast(9), to: "cut.faces"))
        }
        try SafetensorsWriter.write(path: folder.file("model.safetensors"), entries: [])
        let error = #expect(throws: DataError.self) { try FaceStore(path: folder.file("model.safetensors")) }
        #expect(error?.description.contains("facegan data prepare") == true)
    }

    @Test func mutatedStoresNeverCrash() throws {
        let folder = try Fixtures.folder(3)
        let (store, _) = try prepare(SourceOpener.open(folder.path), "square8", to: folder.file("x.faces"))
        let whole = try MappedFile(path: store.path).bytes(0..<MappedFile(path: store.path).count)
        for number in FuzzNumbers("store", usual: 300) {
            var mutator = Mutator(seed: UInt64(number))
            let bytes = mutator.mutate(whole)
            guard bytes != whole else { continue }
            let path = try folder.write(bytes, to: "mutated.faces")
            guard let store = try? FaceStore(path: path) else { continue }
            _ = store.names
            _ = store.picture(store.count - 1)
            #expect(throws: FileError.self) { try store.verify() }
        }
    }

    @Test func pythonReadsIt() throws {
        let python = packageRoot() + "/.venv/bin/python"
        guard FileManager.default.isExecutableFile(atPath: python),
            try runProcess(python, ["-c", "import safetensors, numpy"]).status == 0
        else { return }
        let folder = try Fixtures.folder(3)
        let (store, _) = try prepare(SourceOpener.open(folder.path), "square16", to: folder.file("x.faces"))
        let script = """
            import hashlib, sys
            from safetensors import safe_open
            with safe_open(sys.argv[1], "np") as f:
                images = f.get_tensor("images")
                print(images.shape, images.dtype, hashlib.sha256(images.tobytes()).hexdigest())
                print(bytes(f.get_tensor("names")).decode().split(), f.metadata()["protocol"])
            """
        let result = try runProcess(python, ["-c", script, store.path])
        let hash = Digest.sha256((0..<3).flatMap { store.picture($0).pixels })
        #expect(
            result.output == "(3, 16, 16, 3) uint8 \(hash)\n['0000.png', '0001.png', '0002.png'] square16\n",
            "\(result.errors)")
    }
}

struct StoreCacheTests {
    @Test func packsOnceAndReusesTheStore() throws {
        let folder = try Fixtures.folder(4)
        let cacheFolder = try TemporaryFolder()
        let cache = StoreCache(folder: cacheFolder.path)
        var packed = 0
        func open(_ name: String, _ options: PreparationOptions = .init()) throws -> FaceStore {
            try cache.open(
                folder.path, protocol: .parse(name), options: options, packed: { _ in packed += 1 })
        }
        let first = try open("square16")
        #expect(packed == 1)
        #expect(try open("square16").path == first.path)
        #expect(packed == 1)
        #expect(first.path.hasPrefix(cacheFolder.path))

        // A different protocol, option or content results in a different store.
        _ = try open("square32")
        #expect(packed == 2)
        #expect(try open("square16", .init(limit: 2)).count == 2)
        #expect(packed == 3)
        try folder.write(Fixtures.png(50), to: "0001.png")
        #expect(try open("square16").contentHash != first.contentHash)
        #expect(packed == 4)

        // The number of threads does not affect the key.
        _ = try open("square16", .init(threads: 1))
        #expect(packed == 4)
    }

    @Test func invalidStoresAreRepacked() throws {
        let folder = try Fixtures.folder(3)
        let cache = StoreCache(folder: folder.file("cache"))
        let source = try SourceOpener.open("builtin:3")
        let first = try cache.store(for: source, protocol: .parse("faces16"))
        try Data([1, 2, 3]).write(to: URL(fileURLWithPath: first.path))
        #expect(try cache.store(for: source, protocol: .parse("faces16")).contentHash == first.contentHash)
    }

    @Test func storesOfAnotherProtocolAreRejected() throws {
        let folder = try Fixtures.folder(3)
        let cache = StoreCache(folder: folder.file("cache"))
        let path = try cache.open("builtin:3", protocol: .parse("faces16")).path
        #expect(try cache.open(path, protocol: .parse("faces16")).path == path)
        let error = #expect(throws: DataError.self) { try cache.open(path, protocol: .parse("celeba16-178")) }
        #expect(error?.description.contains("faces16") == true)
        #expect(error?.description.contains("celeba16-178") == true)
        #expect(throws: DataError.self) {
            try cache.open(path, protocol: .parse("faces16"), options: .init(limit: 1))
        }
    }
}
