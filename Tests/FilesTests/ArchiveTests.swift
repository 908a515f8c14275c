import Files
import Foundation
import TestSupport
import Testing

/// Contents of the archives among the golden files, by name.
func archiveContents() throws -> [String: String] {
    let data = try Data(contentsOf: URL(fileURLWithPath: goldens("Files/archives.json")))
    return try JSONDecoder().decode([String: String].self, from: data)
}

@Suite struct TarTests {
    static let archives = ["ustar.tar", "gnu.tar", "pax.tar", "gnu.tgz", "members.tar.gz"]

    @Test(arguments: archives)
    func readsFilesOfPython(name: String) throws {
        let archive = try TarArchive(path: goldens("Files/" + name))
        let contents = try archiveContents()
        var seen: [TarArchive.Entry] = []
        try archive.forEach { entry, content in
            let bytes = try content()
            #expect(String(decoding: bytes, as: UTF8.self) == contents[entry.name])
            #expect(bytes.count == entry.size)
            #expect(try content() == bytes)
            seen.append(entry)
            return true
        }
        #expect(
            seen.map(\.name).prefix(5) == ["a.txt", "folder/b.txt", "folder/deeper/c.txt", "empty", "脸.txt"])
        #expect(seen.count == 6)
        #expect(seen[5].name.utf8.count > 100)
        if name.hasSuffix(".tar") {
            #expect(archive.entries == seen)
            for entry in seen.reversed() {
                #expect(String(decoding: try archive.read(entry), as: UTF8.self) == contents[entry.name])
            }
        } else {
            #expect(archive.entries == nil)
            expectError(archive.file.path, "only be read in order") { _ = try archive.read(seen[0]) }
        }
    }

    @Test(arguments: archives)
    func skipsUnreadContent(name: String) throws {
        let archive = try TarArchive(path: goldens("Files/" + name))
        var names: [String] = []
        try archive.forEach { entry, content in
            names.append(entry.name)
            if names.count == 2 { try #expect(content().count == entry.size) }
            return names.count < 4
        }
        #expect(names == ["a.txt", "folder/b.txt", "folder/deeper/c.txt", "empty"])
    }

    @Test(arguments: archives)
    func detectsTruncation(name: String) throws {
        let folder = try TemporaryFolder()
        let whole = try MappedFile(path: goldens("Files/" + name))
        // Python pads the archive to 10 KiB after the end marker, so more must be cut from a plain archive.
        let cuts = name.hasSuffix(".tar") ? [whole.count / 2, whole.count / 4, 700] : [1, 4, 9, 100]
        for cut in cuts {
            let keep = name.hasSuffix(".tar") ? min(cut, 2_000) : whole.count - cut
            let path = try folder.write(try whole.bytes(0..<keep), to: "cut")
            #expect(throws: FileError.self) { try TarArchive(path: path).forEach { _, _ in true } }
        }
    }

    @Test func detectsDamage() throws {
        let folder = try TemporaryFolder()
        let whole = try MappedFile(path: goldens("Files/gnu.tar"))
        var bytes = try whole.bytes(whole.all)
        bytes[512] ^= 1
        let path = try folder.write(bytes, to: "broken.tar")
        expectError(path, "the checksum of a header is wrong") { _ = try TarArchive(path: path) }

        let packed = try MappedFile(path: goldens("Files/gnu.tgz"))
        bytes = try packed.bytes(packed.all)
        bytes[bytes.count - 6] ^= 1
        let tgz = try folder.write(bytes, to: "broken.tgz")
        var visited = 0
        expectError(tgz, "damaged") {
            try TarArchive(path: tgz).forEach { _, _ in
                visited += 1
                return true
            }
        }
        #expect(visited == 6)
        let followed = try folder.write(try packed.bytes(packed.all) + [1, 2, 3], to: "more.tgz")
        expectError(followed, "other data follows") {
            try TarArchive(path: followed).forEach { _, _ in true }
        }
    }

    @Test func rejectsOtherFiles() throws {
        let folder = try TemporaryFolder()
        for bytes in [[], [1, 2, 3], [UInt8](repeating: 0, count: 2048), Array("<html>".utf8)] as [[UInt8]] {
            let path = try folder.write(bytes, to: "no.tar")
            expectError(path, "not a tar archive") { _ = try TarArchive(path: path) }
        }
    }

    @Test(.enabled(if: realData() != nil))
    func readsLFW() throws {
        let archive = try TarArchive(path: try #require(realData()) + "/lfw/lfw-deepfunneled.tgz")
        var (pictures, people) = (0, Set<Substring>())
        try archive.forEach { entry, content in
            guard entry.name.hasSuffix(".jpg") else { return true }
            pictures += 1
            people.insert(entry.name.split(separator: "/")[1])
            if pictures.isMultiple(of: 100) { try #expect(content().prefix(2) == [0xFF, 0xD8]) }
            return true
        }
        #expect(pictures == 3_000)
        #expect(people.count == 1_430)
    }
}

@Suite struct ZipTests {
    static let names = ["folder/", "a.txt", "folder/b.txt", "folder/deeper/c.txt", "empty", "脸.txt"]

    @Test(arguments: ["stored", "deflated", "zip64", "prefixed"])
    func readsFilesOfPython(kind: String) throws {
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

    @Test func verifiesTheContent() throws {
        let folder = try TemporaryFolder()
        let original = try MappedFile(path: goldens("Files/stored.zip"))
        let intact = try ZipArchive(path: original.path)
        var bytes = try original.bytes(original.all)
        bytes[try #require(try intact.storedRange(intact.entries[1])).lowerBound] ^= 1
        let path = try folder.write(bytes, to: "broken.zip")
        let archive = try ZipArchive(path: path)
        expectError(path, "\"a.txt\" does not match its checksum") {
            _ = try archive.read(archive.entries[1])
        }
        expectError(path, "\"a.txt\" does not match its checksum") { try archive.check(archive.entries[1]) }
        #expect(try !archive.read(archive.entries[2]).isEmpty)
    }

    @Test func rejectsEntriesAboveTheLimit() throws {
        let archive = try ZipArchive(path: goldens("Files/deflated.zip"))
        let entry = archive.entries[2]
        expectError(archive.file.path, "more than the limit of \(entry.size - 1)") {
            _ = try archive.read(entry, limit: entry.size - 1)
        }
        #expect(try archive.read(entry, limit: entry.size).count == entry.size)
    }

    @Test func rejectsOtherMethods() throws {
        let archive = try ZipArchive(path: goldens("Files/bzip2.zip"))
        expectError(archive.file.path, "unsupported compression method 12") {
            _ = try archive.read(archive.entries[1])
        }
    }

    @Test func rejectsOtherFiles() throws {
        let folder = try TemporaryFolder()
        for bytes in [[], [1, 2, 3], [UInt8](repeating: 0x50, count: 100_000)] as [[UInt8]] {
            let path = try folder.write(bytes, to: "no.zip")
            expectError(path, "not a zip archive") { _ = try ZipArchive(path: path) }
        }
        let whole = try MappedFile(path: goldens("Files/stored.zip"))
        let cut = try folder.write(try whole.bytes(0..<whole.count - 1), to: "cut.zip")
        expectError(cut, "a zip archive that is truncated") { _ = try ZipArchive(path: cut) }
    }

    @Test(.enabled(if: realData() != nil))
    func readsCelebA() throws {
        let archive = try ZipArchive(path: try #require(realData()) + "/celeba/img_align_celeba.zip")
        let pictures = archive.entries.filter { $0.name.hasSuffix(".jpg") }
        #expect(pictures.count == 18_023)
        for entry in pictures[..<50] { #expect(try archive.read(entry).prefix(2) == [0xFF, 0xD8]) }
    }
}
