import Files
import Foundation
import TestSupport
import Testing

/// What the archives of the goldens hold, by name.
func archiveContents() throws -> [String: String] {
    let data = try Data(contentsOf: URL(fileURLWithPath: goldens("Files/archives.json")))
    return try JSONDecoder().decode([String: String].self, from: data)
}

@Suite struct TarTests {
    static let archives = ["ustar.tar", "gnu.tar", "pax.tar", "gnu.tgz", "members.tar.gz"]

    @Test(arguments: archives)
    func readsWhatPythonWrote(name: String) throws {
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
    func passesOverWhatIsNotWanted(name: String) throws {
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
    func noticesAMissingEnd(name: String) throws {
        let folder = try TemporaryFolder()
        let whole = try MappedFile(path: goldens("Files/" + name))
        // Python pads the archive to 10 KiB after the end mark, so much more is cut from a plain one.
        let cuts = name.hasSuffix(".tar") ? [whole.count / 2, whole.count / 4, 700] : [1, 4, 9, 100]
        for cut in cuts {
            let keep = name.hasSuffix(".tar") ? min(cut, 2_000) : whole.count - cut
            let path = try folder.write(try whole.bytes(0..<keep), to: "cut")
            #expect(throws: FileError.self) { try TarArchive(path: path).forEach { _, _ in true } }
        }
    }

    @Test func noticesDamage() throws {
        let folder = try TemporaryFolder()
        let whole = try MappedFile(path: goldens("Files/gnu.tar"))
        var bytes = try whole.bytes(whole.all)
        bytes[512] ^= 1
        let path = try folder.write(bytes, to: "broken.tar")
        expectError(path, "a header's checksum is wrong") { _ = try TarArchive(path: path) }

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
        expectError(followed, "something else follows") {
            try TarArchive(path: followed).forEach { _, _ in true }
        }
    }

    @Test func refusesWhatIsNoArchive() throws {
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
