import Files
import Foundation
import TestSupport
import Testing

/// Archives that the writers make are read by this program and by the programs of the system.
@Suite struct ArchiveWriterTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private static let contents: [(name: String, bytes: [UInt8])] = [
        ("00000000.json", Array("{}\n".utf8)), ("00000000.png", []),
        ("deep/folder/é.txt", [UInt8](repeating: 7, count: 512)),
        ("last", (0..<1300).map { UInt8(truncatingIfNeeded: $0) }),
    ]

    private func content(_ path: String) throws -> [UInt8] {
        let file = try MappedFile(path: path)
        return try file.bytes(file.all)
    }

    @Test func tarArchivesAreRead() throws {
        let path = folder.file("a.tar")
        let writer = try TarWriter(path: path)
        for (name, bytes) in Self.contents { try writer.add(name, bytes) }
        #expect(writer.entryCount == 4)
        // Invisible until it is complete.
        #expect(!FileManager.default.fileExists(atPath: path))
        try writer.finish()
        let archive = try TarArchive(path: path)
        let entries = try #require(archive.entries)
        #expect(entries.map(\.name) == Self.contents.map(\.name))
        for (entry, expected) in zip(entries, Self.contents) {
            #expect(try archive.read(entry) == expected.bytes)
        }
        let listed = try runProcess("/usr/bin/env", ["tar", "-tvf", path], environment: ["TZ": "UTC"])
        #expect(listed.status == 0 && listed.errors.isEmpty, "\(listed.errors)")
        let lines = listed.output.split(separator: "\n")
        #expect(lines.count == 4)
        #expect(lines.allSatisfy { $0.hasPrefix("-rw-r--r-- 0/0") && $0.contains("1970-01-01") }, "\(lines)")
    }

    @Test func equalEntriesGiveEqualBytes() throws {
        for name in ["a", "b"] {
            let tar = try TarWriter(path: folder.file(name + ".tar"))
            let zip = try ZipWriter(path: folder.file(name + ".zip"))
            for (name, bytes) in Self.contents {
                try tar.add(name, bytes)
                try zip.add(name, bytes)
            }
            try tar.finish()
            try zip.finish()
        }
        #expect(try content(folder.file("a.tar")) == content(folder.file("b.tar")))
        #expect(try content(folder.file("a.zip")) == content(folder.file("b.zip")))
    }

    @Test func longNamesAreErrors() throws {
        let writer = try TarWriter(path: folder.file("a.tar"))
        try writer.add(String(repeating: "n", count: 100), [1])
        for name in ["", String(repeating: "n", count: 101), "a\0b"] {
            let error = #expect(throws: FileError.self) { try writer.add(name, [1]) }
            #expect("\(error!)".contains("1 to 100 bytes"))
        }
        let zip = try ZipWriter(path: folder.file("a.zip"))
        #expect(throws: FileError.self) { try zip.add("", [1]) }
        #expect(throws: FileError.self) { try zip.add(String(repeating: "n", count: 65_536), [1]) }
    }

    /// With and without the fields of zip64, which a small limit enforces.
    @Test(arguments: [0xFFFF_FFFF, 600, 0]) func zipArchivesAreRead(zip64From: Int) throws {
        let path = folder.file("a.zip")
        let writer = try ZipWriter(path: path, zip64From: zip64From)
        for (name, bytes) in Self.contents { try writer.add(name, bytes) }
        #expect(!FileManager.default.fileExists(atPath: path))
        try writer.finish()
        let archive = try ZipArchive(path: path)
        #expect(archive.entries.map(\.name) == Self.contents.map(\.name))
        for (entry, expected) in zip(archive.entries, Self.contents) {
            #expect(entry.method == 0 && entry.size == expected.bytes.count)
            #expect(try archive.read(entry) == expected.bytes)
        }
        let tested = try runProcess(
            "/usr/bin/env",
            ["python3", "-c", "import zipfile, sys; print(zipfile.ZipFile(sys.argv[1]).testzip())", path])
        #expect(tested.output == "None\n", "\(tested.errors)")
    }

    /// More entries than a directory without zip64 can count.
    @Test func manyEntriesUseZip64() throws {
        let path = folder.file("many.zip")
        let writer = try ZipWriter(path: path)
        for index in 0..<66_000 { try writer.add("\(index)", [UInt8(truncatingIfNeeded: index)]) }
        try writer.finish()
        let archive = try ZipArchive(path: path)
        #expect(archive.entries.count == 66_000)
        #expect(try archive.read(archive.entries[65_999]) == [UInt8(truncatingIfNeeded: 65_999)])
    }
}

@Suite struct AppendFileTests {
    @Test func keepsAndCuts() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("journal")
        let first = try AppendFile(path: path, keeping: 0)
        try first.append([1, 2, 3])
        try first.append([])
        try first.append([4, 5])
        try first.flush()
        #expect(first.count == 5)
        let second = try AppendFile(path: path, keeping: 3)
        try second.append([9])
        let file = try MappedFile(path: path)
        #expect(try file.bytes(file.all) == [1, 2, 3, 9])
        let error = #expect(throws: FileError.self) { try AppendFile(path: path, keeping: 5) }
        #expect("\(error!)".contains("4 bytes, expected 5"))
        #expect(throws: FileError.self) { try AppendFile(path: folder.file("no/folder"), keeping: 0) }
    }

    @Test func onlyOneHolderOfALock() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("lock")
        var lock = try FileLock(path: path)
        #expect(lock != nil)
        #expect(try FileLock(path: path) == nil)
        lock = nil
        #expect(try FileLock(path: path) != nil)
        #expect(throws: FileError.self) { try FileLock(path: folder.file("no/lock")) }
    }
}
