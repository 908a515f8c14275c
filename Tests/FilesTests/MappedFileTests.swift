import Files
import Foundation
import TestSupport
import Testing

@Suite struct MappedFileTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func readsRanges() throws {
        let file = try MappedFile(path: try folder.write([1, 2, 3, 4], to: "a"))
        #expect(file.count == 4)
        #expect(try file.bytes(1..<3) == [2, 3])
        #expect(try file.bytes(4..<4) == [])
        #expect(try file.withBytes(file.all) { $0.reduce(0) { $0 + Int($1) } } == 10)
    }

    @Test func refusesRangesOutside() throws {
        let path = try folder.write([1, 2, 3, 4], to: "a")
        let file = try MappedFile(path: path)
        for range in [0..<5, -1..<2, 5..<6, 4..<Int.max] {
            expectError(path, "outside the file") { _ = try file.bytes(range) }
        }
    }

    @Test func opensAnEmptyFile() throws {
        let file = try MappedFile(path: try folder.write([], to: "empty"))
        #expect(file.count == 0)
        #expect(try file.bytes(0..<0) == [])
        #expect(throws: FileError.self) { try file.bytes(0..<1) }
    }

    @Test func saysWhatIsWrong() throws {
        expectError(folder.file("none"), "No such file") { _ = try MappedFile(path: folder.file("none")) }
        expectError(folder.path, "is a folder") { _ = try MappedFile(path: folder.path) }
        let pipe = folder.file("pipe")
        #expect(mkfifo(pipe, 0o600) == 0)
        expectError(pipe, "not a regular file") { _ = try MappedFile(path: pipe) }
    }

    @Test func outlivesItsName() throws {
        let path = try folder.write([7, 8], to: "a")
        let file = try MappedFile(path: path)
        try AtomicFile.write([9], to: path)
        #expect(try file.bytes(file.all) == [7, 8])
        #expect(try MappedFile(path: path).bytes(0..<1) == [9])
    }
}
