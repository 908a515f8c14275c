import Files
import TestSupport
import Testing

@Suite struct ZipTests {
    static let names = ["folder/", "a.txt", "folder/b.txt", "folder/deeper/c.txt", "empty", "脸.txt"]

    @Test(arguments: ["stored", "deflated", "zip64", "prefixed"])
    func readsWhatPythonWrote(kind: String) throws {
        let archive = try ZipArchive(path: goldens("Files/\(kind).zip"))
        let contents = try archiveContents()
        #expect(archive.entries.map(\.name) == Self.names)
        for entry in archive.entries where !entry.isFolder {
            let bytes = try archive.read(entry)
            #expect(String(decoding: bytes, as: UTF8.self) == contents[entry.name])
            #expect(bytes.count == entry.size)
            try archive.check(entry)
            let stored = try archive.storedRange(entry)
            #expect((stored == nil) == (kind != "stored"))
            if let stored { #expect(try archive.file.bytes(stored) == bytes) }
        }
    }

    @Test func checksTheContent() throws {
        let folder = try TemporaryFolder()
        let original = try MappedFile(path: goldens("Files/stored.zip"))
        let sound = try ZipArchive(path: original.path)
        var bytes = try original.bytes(original.all)
        bytes[try #require(try sound.storedRange(sound.entries[1])).lowerBound] ^= 1
        let path = try folder.write(bytes, to: "broken.zip")
        let archive = try ZipArchive(path: path)
        expectError(path, "\"a.txt\" does not match its checksum") {
            _ = try archive.read(archive.entries[1])
        }
        expectError(path, "\"a.txt\" does not match its checksum") { try archive.check(archive.entries[1]) }
        #expect(try !archive.read(archive.entries[2]).isEmpty)
    }

    @Test func refusesTooMuch() throws {
        let archive = try ZipArchive(path: goldens("Files/deflated.zip"))
        let entry = archive.entries[2]
        expectError(archive.file.path, "more than the \(entry.size - 1) expected") {
            _ = try archive.read(entry, limit: entry.size - 1)
        }
        #expect(try archive.read(entry, limit: entry.size).count == entry.size)
    }

    @Test func refusesOtherMethodsByNumber() throws {
        let archive = try ZipArchive(path: goldens("Files/bzip2.zip"))
        expectError(archive.file.path, "packed by the method 12") { _ = try archive.read(archive.entries[1]) }
    }

    @Test func refusesWhatIsNoArchive() throws {
        let folder = try TemporaryFolder()
        for bytes in [[], [1, 2, 3], [UInt8](repeating: 0x50, count: 100_000)] as [[UInt8]] {
            let path = try folder.write(bytes, to: "no.zip")
            expectError(path, "not a zip archive") { _ = try ZipArchive(path: path) }
        }
        let whole = try MappedFile(path: goldens("Files/stored.zip"))
        let cut = try folder.write(try whole.bytes(0..<whole.count - 1), to: "cut.zip")
        expectError(cut, "a zip archive that is cut off") { _ = try ZipArchive(path: cut) }
    }

    @Test(.enabled(if: realData() != nil))
    func readsCelebA() throws {
        let archive = try ZipArchive(path: try #require(realData()) + "/celeba/img_align_celeba.zip")
        let pictures = archive.entries.filter { $0.name.hasSuffix(".jpg") }
        #expect(pictures.count == 18_023)
        for entry in pictures[..<50] { #expect(try archive.read(entry).prefix(2) == [0xFF, 0xD8]) }
    }
}
