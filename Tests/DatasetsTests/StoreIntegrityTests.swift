import Datasets
import Files
import Foundation
import Imaging
import Provenance
import TestSupport
import Testing

/// Stores of strangers: every part of the metadata is validated, and the pixels must match the content hash.
struct StoreIntegrityTests {
    /// Writes a changed copy of a store, with a valid checksum of the file.
    private func rewrite(
        _ path: String, to copy: String, metadata: [String: String] = [:], tensors: [String: [UInt8]] = [:]
    ) throws -> String {
        let file = try SafetensorsFile(path: path)
        var values = file.metadata
        values[SafetensorsFile.digestKey] = nil
        for (key, value) in metadata { values[key] = value }
        try SafetensorsWriter.write(
            path: copy, metadata: values,
            entries: file.entries.map { entry in
                SafetensorsWriter.Entry(
                    name: entry.name, dtype: entry.dtype, shape: entry.shape,
                    bytes: try tensors[entry.name] ?? file.bytes(entry))
            })
        return copy
    }

    private func celebA() throws -> (folder: TemporaryFolder, store: String) {
        let folder = try TemporaryFolder()
        for i in 1...3 { try folder.write(Fixtures.jpeg(i), to: "in/00000\(i).jpg") }
        try folder.write(
            "3\nA B\n" + (1...3).map { "00000\($0).jpg 1 -1\n" }.joined(), to: "in/list_attr_celeba.txt")
        let path = folder.file("a.faces")
        _ = try StorePreparation.prepare(
            source: SourceOpener.open(folder.file("in")), protocol: .parse("celeba32-178"), to: path)
        return (folder, path)
    }

    @Test func anUnchangedCopyIsAccepted() throws {
        let (folder, path) = try celebA()
        let copy = try FaceStore(path: rewrite(path, to: folder.file("b.faces")))
        #expect(try copy.contentHash == FaceStore(path: path).contentHash)
    }

    @Test(arguments: [
        ("protocol", "<script>alert(1)</script>"), ("protocol", ""), ("protocol", "../x"),
        ("protocol", "a b"),
        ("protocol", "celeba32-108"), ("protocolHash", "0123456789abcdef"), ("protocolHash", "<script>"),
        ("protocolText", "<script>"),
        ("protocolText", "facegan data protocol 1; crop box -5,0,10,10; resize lanczos 32x32; rgb u8"),
        ("protocolText", "facegan data protocol 1; crop box 9,9,3,3; resize lanczos 32x32; rgb u8"),
        ("protocolText", "facegan data protocol 1; crop centre -4x-4; resize lanczos 32x32; rgb u8"),
        (
            "protocolText",
            "facegan data protocol 1; crop centre 9223372036854775807x9223372036854775807; resize lanczos 32x32; rgb u8"
        ),
        ("protocolText", "facegan data protocol 1; crop square; resize lanczos 0x0; rgb u8"),
        ("sourceKind", "<script>"), ("skipped", "-1"), ("skipped", "many"), ("version", "2"),
        ("contentHash", "<script>"), ("contentHash", String(repeating: "A", count: 64)),
        ("contentHash", String(repeating: "0", count: 64)), ("attributeNames", "A"),
    ])
    func hostileMetadataIsRejected(key: String, value: String) throws {
        let (folder, path) = try celebA()
        let copy = try rewrite(path, to: folder.file("b.faces"), metadata: [key: value])
        let error = #expect(throws: DataError.self) { try FaceStore(path: copy) }
        #expect(error?.description.contains("b.faces") == true)
        #expect(error?.description.contains("<script>") != true || key == "protocolText")
    }

    @Test func valuesOutOfRangeAreRejected() throws {
        let (folder, path) = try celebA()
        for value in [UInt8(3), 0x80, 0x7F] {
            let copy = try rewrite(
                path, to: folder.file("b.faces"), tensors: ["attributes": [1, 1, value, 1, 0, 0]])
            let error = #expect(throws: DataError.self) { try FaceStore(path: copy) }
            #expect(error?.description.contains("'attributes'") == true)
        }
    }

    @Test func changedContentIsRejected() throws {
        let (folder, path) = try celebA()
        let file = try SafetensorsFile(path: path)
        var pixels = try file.bytes(#require(file["images"]))
        pixels[100] ^= 1
        for (name, bytes) in [
            ("images", pixels), ("attributes", [1, -1, 1, -1, 1, 1].map(UInt8.init(bitPattern:))),
        ] {
            let copy = try rewrite(path, to: folder.file("b.faces"), tensors: [name: bytes])
            let error = #expect(throws: DataError.self) { try FaceStore(path: copy) }
            #expect(error?.description.contains("contentHash") == true)
            // The doctor still examines it; nothing else uses it.
            let source = try SourceOpener.open(copy)
            #expect(try !SourceDoctor.examine(source).isHealthy)
            let data = try Datasets.DataProtocol.parse("celeba32-178")
            #expect(throws: DataError.self) { try SourcePreview(of: source, protocol: data, count: 1) }
            #expect(throws: DataError.self) {
                try StoreCache(folder: folder.file("cache")).open(copy, protocol: data)
            }
            #expect(throws: DataError.self) {
                try StorePreparation.prepare(source: source, protocol: data, to: folder.file("c.faces"))
            }
        }
    }

    @Test func theDoctorDoesNotCropStoresAgain() throws {
        let (folder, path) = try celebA()
        defer { _ = folder }
        var options = SourceDoctor.Options()
        options.data = try .parse("celeba32-178")
        let report = try SourceDoctor.examine(SourceOpener.open(path), options: options)
        #expect(report.isHealthy && report.bad.isEmpty)
        options.data = try .parse("celeba32-108")
        #expect(throws: DataError.self) {
            try SourceDoctor.examine(SourceOpener.open(path), options: options)
        }
    }

    @Test func cachedStoresArePackedAgainForFurtherDecodersOnly() throws {
        let folder = try Fixtures.folder(2)
        try folder.write([1, 2, 3], to: "bad.png")
        let cacheFolder = try TemporaryFolder()
        let cache = StoreCache(folder: cacheFolder.path)
        var packed = 0
        func open() throws -> FaceStore {
            try cache.open(folder.path, protocol: .parse("square16"), packed: { _ in packed += 1 })
        }
        let path = try open().path
        let available = try #require(try SafetensorsFile(path: path).metadata["decoders"])
        #expect(packed == 1)
        for (decoders, count) in [
            (available + " other", 1), ("other " + available, 1), ("other", available.isEmpty ? 1 : 2),
        ] {
            _ = try rewrite(path, to: path, metadata: ["decoders": decoders])
            _ = try open()
            #expect(packed == count, "\(decoders)")
        }
    }

    @Test func digestsAreRememberedUntilTheFileChanges() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write([1, 2, 3], to: "a")
        var computed = 0
        func digest(_ settled: Double) throws -> String {
            try RememberedDigest.value(
                for: path, kind: "test", in: folder.file("cache"), settled: settled
            ) {
                computed += 1
                return try Digest.sha256(file: path)
            }
        }
        // A file that has just changed is not remembered.
        _ = try digest(60)
        _ = try digest(60)
        #expect(computed == 2)
        Thread.sleep(forTimeInterval: 0.1)
        let first = try digest(0.02)
        #expect(try digest(0.02) == first)
        #expect(computed == 3)
        try changeInPlace(path, at: 1, to: 9)
        #expect(try digest(0.02) != first)
        #expect(computed == 4)
    }

    /// Overwrites a byte and restores the time of modification.
    private func changeInPlace(_ path: String, at offset: UInt64, to byte: UInt8) throws {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        let date = try #require(attributes[.modificationDate] as? Date)
        let handle = try #require(FileHandle(forUpdatingAtPath: path))
        try handle.seek(toOffset: offset)
        try handle.write(contentsOf: [byte])
        try handle.close()
        try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: path)
    }

    @Test func changesInPlaceChangeTheFingerprint() throws {
        let folder = try TemporaryFolder()
        let files = try (0..<40).map { (name: "\($0).png", bytes: try Fixtures.png($0, width: 90)) }
        let tar = try folder.write(Fixtures.tar(files), to: "a.tar")
        #expect(try MappedFile(path: tar).count > 3 << 16)
        let photo = try folder.write(Fixtures.png(1), to: "photos/a.png")
        for (source, file, offset) in [(tar, tar, 1 << 17), (folder.file("photos"), photo, 60)] {
            let before = try SourceOpener.open(source).fingerprint
            #expect(try SourceOpener.open(source).fingerprint == before)
            let old = try MappedFile(path: file).bytes(offset..<offset + 1)[0]
            try changeInPlace(file, at: UInt64(offset), to: old ^ 1)
            #expect(try SourceOpener.open(source).fingerprint != before, "\(source)")
        }
    }

    @Test func hugeFilesAreBadPictures() throws {
        let folder = try Fixtures.folder(2)
        let path = try folder.write([0xFF, 0xD8, 0xFF, 0xE0], to: "big.jpg")
        let handle = try #require(FileHandle(forUpdatingAtPath: path))
        try handle.truncate(atOffset: 200 << 30)
        try handle.close()
        let report = try SourceDoctor.examine(SourceOpener.open(folder.path))
        #expect(report.bad.map(\.name) == ["big.jpg"])
        #expect(report.bad.first?.reason.contains("214748364800 bytes") == true)
        let packed = try StorePreparation.prepare(
            source: SourceOpener.open(folder.path), protocol: .parse("square16"), to: folder.file("x.faces"))
        #expect(packed.written == 2 && packed.bad.map(\.name) == ["big.jpg"])
        let file = try MappedFile(path: path)
        #expect(throws: FileError.self) { try file.bytes(file.all) }
    }
}

/// Marks of generated pictures, transparency and enlargement of packed pictures.
struct StoreNotesTests {
    private func generated(_ seed: Int) throws -> [UInt8] {
        let origin = Origin(software: "FaceGAN", model: "m", fields: [("seed", String(seed))])
        return try SyntheticImage(picture: Fixtures.picture(seed), origin: origin).png()
    }

    private func pack(_ folder: TemporaryFolder, _ data: Datasets.DataProtocol) throws -> (
        store: FaceStore, report: StorePreparation.Report
    ) {
        let path = folder.file("x.faces")
        let report = try StorePreparation.prepare(
            source: SourceOpener.open(folder.file("in")), protocol: data, to: path)
        return (try FaceStore(path: path), report)
    }

    @Test func marksArePreserved() throws {
        let folder = try TemporaryFolder()
        for i in 0..<3 { try folder.write(generated(i), to: "in/\(i).png") }
        try folder.write(Fixtures.png(7), to: "in/photo.png")
        let data = try Datasets.DataProtocol.parse("square16")
        let store = try pack(folder, data).store
        #expect(store.origin(of: [0, 2])?.source == .trainedAlgorithmicMedia)
        #expect(store.origin(of: [0, 2])?["seed"] == "0-2")
        #expect(store.origin(of: [3]) == nil)
        #expect(store.origin(of: 0..<4)?.source == .compositeWithTrainedAlgorithmicMedia)
        for source in [folder.file("in"), store.path] {
            let opened = try SourceOpener.open(source)
            let preview = try SourcePreview(of: opened, protocol: data, count: 4)
            #expect(preview.origin?.source == .compositeWithTrainedAlgorithmicMedia)
            #expect(try SourcePreview(of: opened, protocol: data, count: 1).origin?.model == "m")
        }
        // Marks do not change the content, and repacking keeps them.
        let again = folder.file("y.faces")
        _ = try StorePreparation.prepare(source: SourceOpener.open(store.path), protocol: data, to: again)
        #expect(try FaceStore(path: again).contentHash == store.contentHash)
        #expect(try FaceStore(path: again).origin(of: [1])?.source == .trainedAlgorithmicMedia)
        #expect(try FaceStore(path: again).origin(of: [3]) == nil)
    }

    @Test func conversionsAreReported() throws {
        let folder = try TemporaryFolder()
        var clear = Picture(width: 40, height: 40, channels: 4, filledWith: 200)
        for i in stride(from: 3, to: clear.pixels.count, by: 4) { clear.pixels[i] = 0 }
        try folder.write(PictureEncoder.png(clear), to: "in/clear.png")
        try folder.write(Fixtures.png(2, width: 20, height: 90), to: "in/small.png")
        try folder.write(Fixtures.png(3), to: "in/large.png")
        let (white, report) = try pack(folder, .parse("square32"))
        #expect(report.notes == [.transparent: 1, .enlarged: 1])
        #expect(report.noteLines.count == 2 && report.noteLines[0].hasPrefix("1 transparent"))
        #expect(white.picture(0).pixels.allSatisfy { $0 == 255 })
        let color = Background(red: 0, green: 64, blue: 128)
        let (blue, _) = try pack(folder, .parse("square32").over(color))
        #expect(Array(blue.picture(0).pixels.prefix(3)) == [0, 64, 128])
        #expect(blue.picture(2) == white.picture(2))
        #expect(blue.data.name == "square32-background-004080" && blue.data.hash != white.data.hash)

        let found = try SourceDoctor.examine(SourceOpener.open(folder.file("in")))
        // The default size is 64 pixels.
        #expect(found.warnings[PictureWarning.enlarged.rawValue] == ["clear.png", "large.png", "small.png"])
        var options = SourceDoctor.Options()
        options.data = try .parse("square32")
        let fitting = try SourceDoctor.examine(SourceOpener.open(folder.file("in")), options: options)
        #expect(fitting.warnings[PictureWarning.enlarged.rawValue] == ["small.png"])
        #expect(fitting.warnings[PictureWarning.transparent.rawValue] == ["clear.png"])
    }

    @Test func backgroundsArePartOfTheProtocol() throws {
        let plain = try Datasets.DataProtocol.parse("celeba64-178-box")
        let black = plain.over(Background(red: 0, green: 0, blue: 0))
        #expect(black.name == "celeba64-178-box-background-000000")
        #expect(try Datasets.DataProtocol.parse(black.name) == black)
        #expect(black.hash != plain.hash && black.text.hasSuffix("; background 000000"))
        #expect(black.over(.white) == plain)
        #expect(try Datasets.DataProtocol.parse("celeba64-178-box-background-ffffff") == plain)
        for name in ["square64-background-", "square64-background-00", "square64-background-000000-box"] {
            #expect(throws: DataError.self) { try Datasets.DataProtocol.parse(name) }
        }
    }
}
