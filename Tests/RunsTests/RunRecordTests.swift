import Files
import Runs
import TestSupport
import Testing

@Suite struct RunRecordTests {
    private let record = RunRecord(
        data: "faces.zip", contentHash: "0123456789abcdef", dataProtocol: "faces16",
        protocolHash: "fedcba9876543210",
        seed: .max, precision: "fp32", kernels: "fast", device: "cpu", threads: 2, engine: "2.13.0",
        start: "runs/a",
        startDigest: "00ff")

    @Test func recordsAreReadAsWritten() throws {
        let folder = try TemporaryFolder()
        try record.write(to: folder.file("run.json"))
        #expect(try RunRecord(folder: folder.path) == record)
    }

    /// A damaged record is rejected with the path of the file, or read completely.
    @Test func damagedRecordsAreSafe() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("run.json")
        try record.write(to: path)
        let original = try MappedFile(path: path).bytes(0..<MappedFile(path: path).count)
        var (rejected, read) = (0, 0)
        for number in FuzzNumbers("run-record", usual: 300) {
            var mutator = Mutator(seed: UInt64(number))
            try folder.write(mutator.mutate(original), to: "run.json")
            do {
                let found = try RunRecord(folder: folder.path)
                let copy = try TemporaryFolder()
                try found.write(to: copy.file("run.json"))
                #expect(try RunRecord(folder: copy.path) == found, "mutation \(number)")
                read += 1
            } catch let error as RunError {
                #expect(error.description.hasPrefix(path), "mutation \(number)")
                rejected += 1
            } catch let error as FileError {
                #expect(error.path == path, "mutation \(number)")
                rejected += 1
            }
        }
        #expect(rejected > 0 && read > 0)
    }
}
