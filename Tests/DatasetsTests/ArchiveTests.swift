import Datasets
import Files
import Foundation
import TestSupport
import Testing

/// Folders and archives with the same files give the same samples and labels.
struct ArchiveTests {
    private typealias Files = [(name: String, bytes: [UInt8])]

    private func tables() -> Files {
        let attributes = "2\nMale Young\n000001.jpg 1 -1\n000002.jpg -1 1\n"
        return [
            (name: "Anno/list_attr_celeba.txt", bytes: Array(attributes.utf8)),
            (
                name: "Eval/list_eval_partition.csv",
                bytes: Array("image_id,partition\n000001.jpg,0\n000002.jpg,2\n".utf8)
            ),
        ]
    }

    private func pictures() throws -> Files {
        try (1...2).map { (name: "Img/img_align_celeba/00000\($0).jpg", bytes: try Fixtures.jpeg($0)) }
    }

    private func expectEqual(_ path: String, _ folder: TemporaryFolder, _ hash: String) throws {
        let source = try SourceOpener.open(path)
        #expect(source.kind == .celebA, "\(path)")
        #expect(source.labels.attributes == [1, -1, -1, 1], "\(path)")
        #expect(source.labels.splits == [0, 2], "\(path)")
        let report = try StorePreparation.prepare(
            source: source, protocol: .parse("celeba32-178"), to: folder.file("x.faces"))
        #expect(report.contentHash == hash, "\(path)")
    }

    @Test func labelsInsideArchives() throws {
        let folder = try TemporaryFolder()
        let files = try tables() + pictures()
        for file in files { try folder.write(file.bytes, to: "celeba/" + file.name) }
        let hash = try StorePreparation.prepare(
            source: SourceOpener.open(folder.file("celeba")), protocol: .parse("celeba32-178"),
            to: folder.file("x.faces")
        ).contentHash
        let turned = Array(files.reversed())
        let nested = try Fixtures.zip(
            pictures().map { (name: String($0.name.dropFirst(4)), bytes: $0.bytes) })
        let archives: [(String, [UInt8])] = [
            ("a.zip", Fixtures.zip(files)), ("b.zip", Fixtures.zip(turned)),
            ("a.tar", Fixtures.tar(files)), ("b.tar", Fixtures.tar(turned)),
            ("a.tgz", Fixtures.gzip(Fixtures.tar(files))),
            // The pictures are not in the order of their names.
            ("b.tgz", Fixtures.gzip(Fixtures.tar(turned))),
            ("dot.tgz", Fixtures.gzip(Fixtures.tar(files.map { (name: "./" + $0.name, bytes: $0.bytes) }))),
            ("deep.zip", Fixtures.zip(files.map { (name: "some/where/" + $0.name, bytes: $0.bytes) })),
            ("nested.zip", Fixtures.zip(tables() + [(name: "Img/img_align_celeba.zip", bytes: nested)])),
            (
                "nested.tgz",
                Fixtures.gzip(Fixtures.tar([(name: "Img/pictures.zip", bytes: nested)] + tables()))
            ),
        ]
        for (name, bytes) in archives { try expectEqual(folder.write(bytes, to: "in/" + name), folder, hash) }
    }

    @Test func linksInTarArchivesAreFiles() throws {
        let folder = try TemporaryFolder()
        let files = try (1...2).map { (name: "a/\($0).png", bytes: try Fixtures.png($0)) }
        let tar = Fixtures.tar(
            files,
            links: [
                (name: "a/0.png", target: "a/2.png", kind: "1"),
                (name: "b/3.png", target: "../a/1.png", kind: "2"),
                (name: "b/4.png", target: "/outside.png", kind: "2"),
            ])
        for bytes in [tar, Fixtures.gzip(tar)] {
            let source = try SourceOpener.open(folder.write(bytes, to: "links"))
            #expect(source.names == ["a/0.png", "a/1.png", "a/2.png", "b/3.png"])
            #expect(try source.picture(at: 0) == Fixtures.picture(2))
            #expect(try source.picture(at: 3) == Fixtures.picture(1))
            #expect(source.skipped == [SkippedFile(name: "b/4.png", kind: "a symbolic link")])
        }
    }

    @Test func archivesInPlaceOfPicturesAreNamed() throws {
        let folder = try TemporaryFolder()
        let inner = try Fixtures.zip([(name: "a.png", bytes: Fixtures.png(1))])
        let path = try folder.write(
            Fixtures.zip([(name: "one.zip", bytes: inner), (name: "two.zip", bytes: inner)]), to: "x.zip")
        let error = #expect(throws: DataError.self) { try SourceOpener.open(path) }
        #expect(error?.description.contains("a zip archive (2): one.zip, two.zip") == true)
        for (bytes, word) in [("7z\u{BC}\u{AF}", "7z"), ("PAR1....PAR1", "Parquet"), ("Rar!", "RAR")] {
            let path = try folder.write(bytes.unicodeScalars.map { UInt8($0.value) }, to: "download")
            let error = #expect(throws: DataError.self) { try SourceOpener.open(path) }
            #expect(error?.description.contains(word) == true)
        }
    }

    @Test func aPlainTarThatChangesInPlaceHasAnotherFingerprint() throws {
        let folder = try TemporaryFolder()
        let ends = [UInt8](repeating: 7, count: 100_000)
        var files: Files = try [
            (name: "0.png", bytes: Fixtures.png(0) + ends), (name: "1.png", bytes: Fixtures.png(1)),
        ]
        files.append((name: "2.png", bytes: try Fixtures.png(2) + ends))
        let one = try SourceOpener.open(folder.write(Fixtures.tar(files), to: "a.tar")).fingerprint
        files[1].bytes[60] ^= 1
        #expect(try SourceOpener.open(folder.write(Fixtures.tar(files), to: "a.tar")).fingerprint != one)
    }

    @Test func knownTrees() throws {
        let folder = try TemporaryFolder()
        for i in [0, 1, 10] { try folder.write(Fixtures.png(i), to: "hq/CelebA-HQ-img/\(i).jpg") }
        for part in ["skin", "hair"] {
            try folder.write(Fixtures.png(9), to: "hq/CelebAMask-HQ-mask-anno/0/00000_\(part).png")
        }
        try folder.write(
            "3\nMale Young\n0.jpg 1 -1\n1.jpg -1 1\n10.jpg 1 1\n", to: "hq/CelebAMask-HQ-attribute-anno.txt")
        let source = try SourceOpener.open(folder.file("hq"))
        #expect(source.kind == .celebAHQ)
        #expect(source.names == ["CelebA-HQ-img/0.jpg", "CelebA-HQ-img/1.jpg", "CelebA-HQ-img/10.jpg"])
        #expect(source.labels.attributes == [1, -1, -1, 1, 1, 1])
        #expect(source.skipped.map(\.kind) == ["a mask, not a face", "a mask, not a face"])
        #expect(try source.kind.suggestedProtocol(size: 64).name == "square64")

        for set in ["images1024x1024", "thumbnails128x128", "in-the-wild-images"] {
            try folder.write(Fixtures.png(3), to: "ffhq/\(set)/00000/00000.png")
        }
        let ffhq = try SourceOpener.open(folder.file("ffhq"))
        #expect(ffhq.kind == .ffhq)
        #expect(ffhq.names == ["images1024x1024/00000/00000.png"])
        #expect(ffhq.skipped.count == 2)
    }
}

/// Names of files are bytes: no picture is lost, and every picture has a name of its own.
struct PictureNameTests {
    static let names: [(String, [[UInt8]])] = [
        // 脸1.jpg and 脸2.jpg
        ("GBK", [[0xC1, 0xB3, 0x31], [0xC1, 0xB3, 0x32]]),
        // 表1 and ソ; the second byte of both is that of a backslash.
        ("Shift-JIS", [[0x95, 0x5C, 0x31], [0x83, 0x5C]]),
        ("code page 437", [[0x82], [0x81]]),
        ("Unicode normal forms", [Array("\u{E9}".utf8), Array("e\u{301}".utf8)]),
        (
            "invalid UTF-8",
            [[0x66, 0x80, 0x81], [0x66, 0xFF, 0xFE], [0x66, 0xC3, 0x28], [0x66, 0x90, 0x91]]
        ),
        ("equal text", [[0x82], Array("\u{E9}".utf8), Array("\u{E9} (2)".utf8), Array("\\x82".utf8)]),
        ("control characters", [[0x61, 0x0A], [0x61, 0x09], [0x61, 0x1B], Array("a\u{2028}".utf8)]),
    ]

    @Test(arguments: names)
    func noPictureIsLost(name: String, stems: [[UInt8]]) throws {
        let folder = try TemporaryFolder()
        let files = try stems.enumerated().map {
            (name: $1 + Array(".png".utf8), bytes: try Fixtures.png($0))
        }
        let tar = Fixtures.tar(raw: files)
        var paths = [
            try folder.write(Fixtures.zip(raw: files), to: "a.zip"), try folder.write(tar, to: "a.tar"),
            try folder.write(Fixtures.gzip(tar), to: "a.tgz"),
        ]
        #if os(Linux)
            try FileManager.default.createDirectory(
                atPath: folder.file("folder"), withIntermediateDirectories: true)
            for file in files {
                let path = Array((folder.file("folder") + "/").utf8) + file.name + [0]
                let handle = fopen(path.map { CChar(bitPattern: $0) }, "w")
                let stream = try #require(handle)
                #expect(fwrite(file.bytes, 1, file.bytes.count, stream) == file.bytes.count)
                fclose(stream)
            }
            paths.append(folder.file("folder"))
        #endif
        for path in paths {
            let source = try SourceOpener.open(path)
            #expect(source.count == files.count, "\(name) \(path)")
            #expect(Set(source.names.map { FileName($0) }).count == files.count, "\(name) \(path)")
            let pictures = try source.names.indices.map { try source.picture(at: $0) }
            #expect(
                (0..<files.count).allSatisfy { pictures.contains(Fixtures.picture($0)) }, "\(name) \(path)")
            for text in source.names {
                let options = PreparationOptions(excluded: [FileName(text)])
                let report = try StorePreparation.prepare(
                    source: source, protocol: .parse("square16"), to: folder.file("x.faces"), options: options
                )
                #expect(report.written == files.count - 1, "\(name) \(path) \(text)")
            }
        }
    }

    @Test func backslashesOfWindowsSeparateFolders() throws {
        let folder = try TemporaryFolder()
        let zip = try Fixtures.zip([
            (name: "faces\\", bytes: []), (name: "faces\\a.png", bytes: Fixtures.png(1)),
        ])
        #expect(try SourceOpener.open(folder.write(zip, to: "a.zip")).names == ["faces/a.png"])
    }

    @Test func replacedEntriesAreNamed() throws {
        let folder = try TemporaryFolder()
        let files = try [1, 2].map { (name: "a.png", bytes: try Fixtures.png($0)) }
        for bytes in [Fixtures.zip(files), Fixtures.tar(files), Fixtures.gzip(Fixtures.tar(files))] {
            let source = try SourceOpener.open(folder.write(bytes, to: "archive"))
            #expect(source.names == ["a.png"])
            #expect(try source.picture(at: 0) == Fixtures.picture(2))
            #expect(source.skipped.map(\.name) == ["a.png"])
        }
    }
}

/// Pictures are recognized by content, and every other file is named.
struct SkippedFileTests {
    private func folder() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        for name in ["plain", "download.tmp", "photo.jfif"] { try folder.write(Fixtures.png(1), to: name) }
        try folder.write("7z\u{BC}", to: "archive.png")
        try folder.write("hello", to: "notes.txt")
        try folder.write([UInt8]("PAR1..".utf8), to: "table.parquet")
        try folder.write([0, 0, 0, 20] + Array("ftypisom".utf8), to: "film.mp4")
        try folder.write([0, 0, 0, 20] + Array("ftypjp2 ".utf8), to: "sub/.hidden")
        try folder.write([0xFF, 0x0A, 1, 2], to: "new.jxl")
        return folder
    }

    @Test func everyFileIsAPictureOrNamed() throws {
        let folder = try folder()
        let report = try SourceDoctor.examine(SourceOpener.open(folder.path))
        #expect(report.pictureCount == 5)
        #expect(report.bad.map(\.name) == ["archive.png", "new.jxl"])
        #expect(report.bad.map(\.kind) == [.notPicture, .unsupported])
        #expect(
            report.skipped == [
                SkippedFile(name: "film.mp4", kind: "an MP4 film"),
                SkippedFile(name: "notes.txt", kind: "a text file"),
                SkippedFile(name: "sub/.hidden", kind: "a hidden file"),
                SkippedFile(name: "table.parquet", kind: "a Parquet file"),
            ])
    }

    @Test func preparationAndDoctorNameProblemsAlike() throws {
        let folder = try folder()
        try folder.write(Array(Fixtures.jpeg(1).prefix(2000)), to: "cut.jpg")
        try folder.write("<html>", to: "page.jpg")
        try folder.write([], to: "none.jpg")
        try folder.write(Fixtures.png(1, width: 20, height: 20), to: "small.png")
        let source = try SourceOpener.open(folder.path)
        let data = try DataProtocol.parse("celeba32-108")
        try folder.write(Fixtures.jpeg(1), to: "good.jpg")
        var options = SourceDoctor.Options()
        options.data = data
        let complete = try SourceOpener.open(folder.path)
        let found = try SourceDoctor.examine(complete, options: options).bad
        let skipped = try StorePreparation.prepare(
            source: complete, protocol: data, to: folder.file("x.faces")
        ).bad
        #expect(skipped.map(\.name) == found.map(\.name))
        #expect(skipped.map(\.kind) == found.map(\.kind))
        #expect(skipped.map(\.reason) == found.map(\.reason))
        #expect(
            Set(found.map(\.kind)).isSuperset(of: [.truncated, .webPage, .empty, .tooSmall, .unsupported]))
        #expect(source.count + 1 == complete.count)
    }
}
