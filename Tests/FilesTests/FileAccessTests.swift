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

    @Test func contentIsUnchangedBeforeCommit() throws {
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

    @Test func temporaryIsDeletedWithoutCommit() throws {
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

    @Test func temporariesOfKilledWritersAreDeleted() throws {
        try folder.write([0], to: ".model.partial-abc")
        try folder.write([0], to: ".other.partial-abc")
        let first = try AtomicFile(path: path)
        let other = try AtomicFile(path: path)
        #expect(try folder.contents().count == 3)
        try first.write([1])
        try other.write([2])
        try first.commit()
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

    @Test func errorsStateTheReason() throws {
        let lost = folder.file("none/model")
        expectError(lost, "No such file") { _ = try AtomicFile(path: lost) }
        let inner = try TemporaryFolder()
        expectError(inner.path, "is a folder") { try AtomicFile.write([1], to: inner.path) }
    }

    @Test func devicesAreWrittenInPlace() throws {
        // A link to the device, because the test must not damage the device if it fails.
        let link = folder.file("null")
        #expect(symlink("/dev/null", link) == 0)
        let file = try AtomicFile(path: link)
        try file.write([1, 2, 3])
        try file.overwrite([9], at: 1)
        #expect(file.count == 3)
        try file.commit()
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "/dev/null")
        var status = stat()
        #expect(stat(link, &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
        #expect(try folder.contents() == ["null"])
    }

    @Test func pipesAreWrittenInPlace() throws {
        let pipe = folder.file("pipe")
        #expect(mkfifo(pipe, 0o600) == 0)
        let reading = open(pipe, O_RDONLY | O_NONBLOCK)
        defer { close(reading) }
        let file = try AtomicFile(path: pipe)
        try file.write([7, 8, 9])
        try file.overwrite([1], at: 0)
        var buffer = [UInt8](repeating: 0, count: 16)
        // Nothing arrives before the content is complete.
        #expect(read(reading, &buffer, 16) <= 0)
        try file.commit()
        #expect(read(reading, &buffer, 16) == 3 && buffer.prefix(3) == [1, 8, 9])
        var status = stat()
        #expect(stat(pipe, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO)
        #expect(try folder.contents() == ["pipe"])
    }

    /// `/dev/fd/N` continues the descriptor, as a shell's `>>` does. Reopening would begin at the start of the file.
    @Test func descriptorsAreWrittenAtTheirPosition() throws {
        try folder.write([1, 2], to: "log")
        let descriptor = open(folder.file("log"), O_WRONLY | O_APPEND)
        defer { close(descriptor) }
        try AtomicFile.write([3, 4], to: "/dev/fd/\(descriptor)")
        let file = try MappedFile(path: folder.file("log"))
        #expect(try file.bytes(file.all) == [1, 2, 3, 4])
        expectError("/dev/fd/9999", "descriptor 9999") { try AtomicFile.write([1], to: "/dev/fd/9999") }
    }

    @Test func writesRelativePaths() throws {
        let current = FileManager.default.currentDirectoryPath
        let relative = String(repeating: "../", count: current.split(separator: "/").count) + path.dropFirst()
        try AtomicFile.write([5], to: relative)
        #expect(try content() == [5])
    }
}

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

    @Test func rejectsRangesOutside() throws {
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

    /// Opening and writing end at a request to end, also while a pipe has no reader or a full buffer. Runs in its own process,
    /// because the request concerns the whole process.
    @Test func waitingForTheReaderOfAPipeEnds() async {
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryFolder()
            let pipe = folder.path + "/pipe"
            try #require(mkfifo(pipe, 0o600) == 0)
            FileCancellation.setRequest { true }
            #expect(throws: CancellationError.self) { try AtomicFile.write([1], to: pipe) }
            let reader = open(pipe, O_RDONLY | O_NONBLOCK)
            #expect(throws: CancellationError.self) {
                try AtomicFile.write([UInt8](repeating: 7, count: 1 << 20), to: pipe)
            }
            close(reader)
        }
    }

    @Test func unreadableFilesAreRejected() throws {
        expectError(folder.file("none"), "No such file") { _ = try MappedFile(path: folder.file("none")) }
        expectError(folder.path, "is a folder") { _ = try MappedFile(path: folder.path) }
        let pipe = folder.file("pipe")
        #expect(mkfifo(pipe, 0o600) == 0)
        expectError(pipe, "not a regular file") { _ = try MappedFile(path: pipe) }
    }

    @Test func mappingSurvivesReplacement() throws {
        let path = try folder.write([7, 8], to: "a")
        let file = try MappedFile(path: path)
        try AtomicFile.write([9], to: path)
        #expect(try file.bytes(file.all) == [7, 8])
        #expect(try MappedFile(path: path).bytes(0..<1) == [9])
    }
}
