import Datasets
import Foundation
import Imaging
import SyntheticFaces
import TestSupport
import Testing

struct SourceTests {
    private func files(_ count: Int) throws -> [(name: String, bytes: [UInt8])] {
        try (0..<count).map { (name: "a/\($0).png", bytes: try Fixtures.png($0)) }
    }

    @Test func foldersAreListedRecursivelyAndSorted() throws {
        let folder = try TemporaryFolder()
        for name in [
            "b/2.png", "b/10.PNG", "a.jpeg", "Z.png", "b/c/1.webp", ".hidden/3.png", "._a.png",
        ] {
            try folder.write(Fixtures.png(1), to: name)
        }
        try folder.write("three faces", to: "notes.txt")
        let source = try SourceOpener.open(folder.path)
        #expect(source.kind == .folder)
        #expect(source.names == ["Z.png", "a.jpeg", "b/10.PNG", "b/2.png", "b/c/1.webp"])
        #expect(
            source.skipped == [
                SkippedFile(name: "._a.png", kind: "a file of the operating system"),
                SkippedFile(name: ".hidden/3.png", kind: "a hidden file"),
                SkippedFile(name: "notes.txt", kind: "a text file"),
            ])
        #expect(try source.picture(at: 0) == Fixtures.picture(1))
    }

    /// Listing a large folder or reading a large archive ends when its task is cancelled.
    @Test func openingEndsWithItsTask() async throws {
        let folder = try Fixtures.folder(2)
        let pictures = try files(2)
        let paths = [
            folder.path, try folder.write(Fixtures.zip(pictures), to: "archive/a.zip"),
            try folder.write(Fixtures.tar(pictures), to: "archive/a.tar"),
            try folder.write(Fixtures.gzip(Fixtures.tar(pictures)), to: "archive/a.tgz"),
        ]
        for path in paths {
            let work = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try SourceOpener.open(path).count
            }
            await #expect(throws: CancellationError.self, "\(path)") { try await work.value }
            #expect(try SourceOpener.open(path).count >= 2)
        }
    }

    @Test func cyclicLinksAreVisitedOnce() throws {
        let folder = try Fixtures.folder(2)
        let files = FileManager.default
        try files.createDirectory(atPath: folder.file("sub"), withIntermediateDirectories: true)
        try files.createSymbolicLink(atPath: folder.file("sub/up"), withDestinationPath: folder.path)
        try files.createSymbolicLink(
            atPath: folder.file("gone.png"), withDestinationPath: folder.file("nowhere"))
        let source = try SourceOpener.open(folder.path)
        #expect(source.names == ["0000.png", "0001.png", "gone.png"])
        #expect(throws: (any Error).self) { try source.picture(at: 2) }
    }

    @Test func archivesOfAllKindsHaveTheSamePictures() throws {
        let folder = try TemporaryFolder()
        let files = try files(4)
        // The type is recognized by content, not by extension.
        try folder.write(Fixtures.zip(files), to: "zip.data")
        try folder.write(Fixtures.tar(files), to: "tar.data")
        try folder.write(Fixtures.gzip(Fixtures.tar(files)), to: "tgz.data")
        for (name, kind) in [("zip.data", SourceKind.zip), ("tar.data", .tar), ("tgz.data", .tar)] {
            let source = try SourceOpener.open(folder.file(name))
            #expect(source.kind == kind)
            #expect(source.names == files.map(\.name))
            var pictures: [Picture] = []
            try source.forEach(size: 64) { _, content in
                pictures.append(try content.get().picture())
                return true
            }
            #expect(pictures == (0..<4).map { Fixtures.picture($0) })
            #expect(try source.picture(at: 2) == Fixtures.picture(2))
        }
    }

    @Test func aFolderWithOneArchiveOpensTheArchive() throws {
        let folder = try TemporaryFolder()
        try folder.write(Fixtures.zip(files(2)), to: "pictures.zip")
        #expect(try SourceOpener.open(folder.path).kind == .zip)
    }

    @Test func labelsOfCelebAAreFoundNextToTheZip() throws {
        let folder = try TemporaryFolder()
        try folder.write("1\nMale\n000001.jpg 1\n", to: "Anno/list_attr_celeba.txt")
        let path = try folder.write(
            Fixtures.zip([(name: "img_align_celeba/000001.jpg", bytes: Fixtures.jpeg(1))]),
            to: "Img/img_align_celeba.zip")
        for opened in [path, folder.path, folder.file("Img")] {
            let source = try SourceOpener.open(opened)
            #expect(source.kind == .celebA, "\(opened)")
            #expect(source.labels.attributes == [1], "\(opened)")
        }
    }

    @Test func fingerprintsDependOnContentOnly() throws {
        let folder = try TemporaryFolder()
        let files = try files(3)
        func print(_ bytes: [UInt8], _ name: String) throws -> String {
            try SourceOpener.open(folder.write(bytes, to: name)).fingerprint
        }
        let zip = try print(Fixtures.zip(files), "one.zip")
        #expect(try print(Fixtures.zip(files), "sub/two.zip") == zip)
        #expect(try print(Fixtures.zip(files.dropLast()), "one.zip") != zip)
        var other = files
        other[1].bytes = try Fixtures.png(77)
        #expect(try print(Fixtures.zip(other), "one.zip") != zip)
        let tgz = try print(Fixtures.gzip(Fixtures.tar(files)), "one.tgz")
        #expect(try print(Fixtures.gzip(Fixtures.tar(files)), "two.tgz") == tgz)
        #expect(try print(Fixtures.gzip(Fixtures.tar(other)), "one.tgz") != tgz)
    }

    @Test func labelsArePartOfTheFingerprint() throws {
        let folder = try TemporaryFolder()
        try folder.write(Fixtures.jpeg(1), to: "000001.jpg")
        try folder.write("1\nMale\n000001.jpg 1\n", to: "list_attr_celeba.txt")
        let one = try SourceOpener.open(folder.path).fingerprint
        try folder.write("1\nMale\n000001.jpg -1\n", to: "list_attr_celeba.txt")
        #expect(try SourceOpener.open(folder.path).fingerprint != one)
    }

    @Test func builtInFacesAreASource() throws {
        let source = try SourceOpener.open("builtin:5@3")
        #expect(source.count == 5)
        #expect(source.labels.attributeNames.count == 40)
        let face = BuiltInFaces(seed: 3).face(4, size: 48)
        #expect(try source.picture(at: 4, size: 48) == face.picture)
        #expect(Array(source.labels.attributes[(4 * 40)...]) == face.attributes)
        #expect(source.fingerprint != (try SourceOpener.open("builtin:5").fingerprint))
        #expect(source.fingerprint == (try SourceOpener.open("builtin:5@3").fingerprint))
    }

    @Test(arguments: [
        "builtin:", "builtin:0", "builtin:-3", "builtin:x", "builtin:3@", "builtin:3@4@5", "builtin:3@-1",
    ])
    func invalidBuiltInSpecificationsAreRejected(text: String) {
        let error = #expect(throws: DataError.self) { try SourceOpener.open(text) }
        #expect(error?.description.contains("builtin:2000@7") == true)
    }

    @Test func errorsStateTheActualType() throws {
        let folder = try TemporaryFolder()
        func message(_ path: String) throws -> String {
            let error = #expect(throws: DataError.self) { try SourceOpener.open(path) }
            return error?.description ?? ""
        }
        #expect(try message(folder.file("none")).contains("no such file"))
        #expect(try message(folder.path).contains("no pictures"))
        let html = Array("\n<!DOCTYPE html><html><body>Quota exceeded</body></html>".utf8)
        #expect(try message(folder.write(html, to: "img_align_celeba.zip")).contains("web page"))
        #expect(try message(folder.write([], to: "empty.zip")).contains("empty"))
        #expect(try message(folder.write(Fixtures.png(1), to: "a.png")).contains("single picture"))
        #expect(try message(folder.write([1, 2, 3], to: "what")).contains("neither a zip"))
        #expect(try message(folder.write(Fixtures.zip([]), to: "none.zip")).contains("no pictures"))
    }

    @Test func aCutArchiveShowsWhatIsLeftAndSaysSo() throws {
        let folder = try TemporaryFolder()
        let whole = Fixtures.gzip(Fixtures.tar(try files(4)))
        let path = try folder.write(Array(whole.prefix(whole.count * 3 / 4)), to: "cut.tgz")
        let source = try SourceOpener.open(path)
        #expect(source.damage != nil)
        #expect((1..<4).contains(source.count) || source.count == 4)
        #expect(throws: DataError.self) {
            try StorePreparation.prepare(
                source: source, protocol: .parse("square32"), to: folder.file("x.faces"))
        }
        #expect(try folder.contents() == ["cut.tgz"])
    }
}

struct RealDataTests {
    @Test(.enabled(if: realData() != nil)) func celebA() throws {
        let data = try #require(realData())
        let source = try SourceOpener.open(data + "/celeba")
        #expect(source.kind == .celebA)
        #expect(source.count == 18_023)
        #expect(source.labelIssues.isEmpty)
        let labels = source.labels
        #expect(labels.splits.filter { $0 == 0 }.count == 15_979)
        #expect(labels.splits.filter { $0 == 1 }.count == 2_044)
        #expect(labels.attributeNames.count == 40)
        // The row of 000040.jpg in the official file.
        let index = try #require(source.names.firstIndex { $0.hasSuffix("/000040.jpg") })
        #expect(labels.identities[index] == 2088)
        let present = labels.attributeNames.filter { labels.attribute($0, of: index) == 1 }
        #expect(
            present == [
                "Attractive", "Black_Hair", "Heavy_Makeup", "No_Beard", "Oval_Face", "Wearing_Earrings",
                "Wearing_Lipstick", "Young",
            ])
        #expect(try source.picture(at: index).width == 178)
        let zip = try SourceOpener.open(data + "/celeba/img_align_celeba.zip")
        #expect(zip.fingerprint == source.fingerprint)
    }

    @Test(.enabled(if: realData() != nil)) func lfw() throws {
        let data = try #require(realData())
        let source = try SourceOpener.open(data + "/lfw/lfw-deepfunneled.tgz")
        #expect(source.kind == .lfw)
        #expect(source.count == 3_000)
        #expect(source.labels.identityCount == 1_430)
        #expect(source.damage == nil)
    }
}
