import Files
import Foundation
import TestSupport
import Testing

@Suite struct AtomicFileTests {
    let folder: TemporaryFolder
    let path: String

    init() throws {
        folder = try TemporaryFolder()
        path = folder.file("model")
    }

    private func content() throws -> [UInt8] {
        let file = try MappedFile(path: path)
        return try file.bytes(file.all)
    }

    @Test func showsNothingBeforeCommit() throws {
        try AtomicFile.write([1], to: path)
        let file = try AtomicFile(path: path)
        try file.write([2, 3, 4])
        try file.overwrite([9], at: 1)
        #expect(try content() == [1])
        #expect(try folder.contents().count == 2)
        try file.commit()
        #expect(try content() == [2, 9, 4])
        #expect(try folder.contents() == ["model"])
    }

    @Test func leavesNothingWhenAbandoned() throws {
        try AtomicFile.write([1], to: path)
        do {
            let file = try AtomicFile(path: path)
            try file.write([2, 3])
        }
        #expect(try content() == [1])
        #expect(try folder.contents() == ["model"])
    }

    @Test func smallFilesNeedNotBeDurable() throws {
        try folder.write([0], to: ".model.partial-abc")
        try AtomicFile.write([1], to: path, durably: false)
        try AtomicFile.write([2, 3], to: path, durably: false)
        #expect(try content() == [2, 3])
        #expect(try folder.contents() == [".model.partial-abc", "model"])
    }

    @Test func cleansUpAfterAKilledWriter() throws {
        try folder.write([0], to: ".model.partial-abc")
        try folder.write([0], to: ".other.partial-abc")
        let living = try AtomicFile(path: path)
        let other = try AtomicFile(path: path)
        #expect(try folder.contents().count == 3)
        try living.write([1])
        try other.write([2])
        try living.commit()
        try other.commit()
        #expect(try content() == [2])
        #expect(try folder.contents() == [".other.partial-abc", "model"])
    }

    @Test func keepsPermissionsAndLinks() throws {
        try AtomicFile.write([1], to: path)
        #expect(chmod(path, 0o640) == 0)
        let link = folder.file("link")
        #expect(symlink("model", link) == 0)
        try AtomicFile.write([2], to: link)
        #expect(try content() == [2])
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "model")
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o640)
    }

    @Test func saysWhatIsWrong() throws {
        let lost = folder.file("none/model")
        expectError(lost, "No such file") { _ = try AtomicFile(path: lost) }
        let inner = try TemporaryFolder()
        expectError(inner.path, "move the file into place") { try AtomicFile.write([1], to: inner.path) }
    }

    @Test func writesRelativePaths() throws {
        let current = FileManager.default.currentDirectoryPath
        let relative = String(repeating: "../", count: current.split(separator: "/").count) + path.dropFirst()
        try AtomicFile.write([5], to: relative)
        #expect(try content() == [5])
    }
}
