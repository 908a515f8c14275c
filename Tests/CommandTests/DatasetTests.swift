import FaceGAN
import Foundation
import TestSupport
import Testing

/// `facegan dataset`: output, interruptions, wrong usage.
@Suite struct DatasetTests {
    let run: String
    let folder: TemporaryFolder

    init() throws {
        run = try TinyRun.shared.get().path
        folder = try TemporaryFolder()
    }

    private func dataset(_ more: String...) throws -> ProcessResult {
        try Command.run(["dataset", run, "--threads", "1"] + more, folder: folder.path)
    }

    /// Bytes of every file of a data set, by path.
    private func contents(_ name: String) throws -> [String: [UInt8]] {
        var found: [String: [UInt8]] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: folder.file(name)) {
            var isFolder: ObjCBool = false
            let whole = folder.file(name) + "/" + path
            if FileManager.default.fileExists(atPath: whole, isDirectory: &isFolder), !isFolder.boolValue {
                found[path] = bytes(whole)
            }
        }
        return found
    }

    @Test func writesADataSetAndItsSummary() throws {
        let made = try dataset("--count", "40", "--keep-duplicates", "--splits", "50/25/25", "--seed", "5")
        #expect(made.status == 0, "\(made.errors)")
        #expect(
            made.output.contains(
                "Wrote 40 pictures of 40 identities to dataset/ (train 20, validation 10, test 10)"),
            "\(made.output)")
        #expect(made.output.contains("examined candidates") && made.output.contains("100.0 %"))
        #expect(made.errors.contains("No box and landmarks: the detector is not on this machine"))
        #expect(made.errors.contains("MB while it is built"))
        let files = try contents("dataset")
        #expect(files.keys.count { $0.hasSuffix(".png") } == 42)
        let row = String(decoding: files["imagefolder/train/metadata.jsonl"] ?? [], as: UTF8.self)
        #expect(row.contains("\"landmarks\": null") && row.contains("\"objects\": {\"bbox\": [], "))
        // The same command again changes nothing.
        let again = try dataset("--count", "40", "--keep-duplicates", "--splits", "50/25/25", "--seed", "5")
        #expect(again.status == 0 && again.errors.contains("finished already"), "\(again.errors)")
        #expect(try contents("dataset") == files)
        let other = try dataset("--count", "41", "--keep-duplicates")
        #expect(other.status == 1 && other.errors.contains("finished data set of another command"))
        #expect(try contents("dataset") == files)
    }

    /// A conditional model records what it was asked for, and the agreement of the face network.
    @Test func requestedAttributesAreRecorded() throws {
        let conditional = try ConditionalTests.shared.get().file("run")
        let made = try Command.run(
            [
                "dataset", conditional, "--count", "20", "--attr", "Male=1", "--keep-duplicates", "--splits",
                "100", "--threads", "1", "--out", "asked",
            ], folder: folder.path)
        #expect(made.status == 0, "\(made.errors)")
        let files = try contents("asked")
        let table = String(decoding: files["imagefolder/train/metadata.jsonl"] ?? [], as: UTF8.self)
        let rows = table.split(separator: "\n")
        #expect(rows.count == 20 && rows.allSatisfy { $0.contains("\"requested\": {\"Smiling\": ") })
        #expect(rows.allSatisfy { $0.contains("\"Male\": 1}, \"attributes\": ") })
        let readme = String(decoding: files["README.md"] ?? [], as: UTF8.self)
        #expect(
            readme.contains("| requested attribute | agreement of the face network |\n|---|---|\n| Male | "))
        let wrong = try Command.run(
            ["dataset", conditional, "--count", "20", "--attr", "Mal=1", "--out", "wrong"],
            folder: folder.path)
        #expect(wrong.status == 1 && wrong.errors.contains("Did you mean `Male`?"), "\(wrong.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder.file("wrong")))
    }

    /// The detector finds no face in the pictures of an untrained network.
    @Test(.enabled(if: realData() != nil)) func picturesWithoutFacesAreRemoved() throws {
        let weights = try #require(realData()) + "/weights/yunet/yunet_n.pth"
        let cache = ["FACEGAN_CACHE": folder.file("cache")]
        let added = try Command.run(["weights", "add", weights, "--as", "yunet"], environment: cache)
        #expect(added.status == 0, "\(added.errors)")
        let made = try Command.run(
            [
                "dataset", run, "--count", "20", "--keep-duplicates", "--require-face", "--max-candidates",
                "100", "--threads", "1",
            ], environment: cache, folder: folder.path)
        #expect(
            made.status == 1 && !made.errors.contains("No box and landmarks"),
            "\(made.status): \(made.output)\(made.errors)")
        #expect(
            made.errors.contains("identities: 0 of 20") && made.errors.contains("128 no face detected"),
            "\(made.errors)")
        let without = try dataset("--count", "20", "--require-face", "--out", "other")
        #expect(without.status == 1 && without.errors.contains("run `facegan weights get yunet` once"))
    }

    /// `kill -9` at many times: while candidates are examined, while files are written, between both. The data set that is
    /// finished afterwards equals the one of a command that was not interrupted.
    @Test func killedCommandsContinue() throws {
        let arguments = [
            "--count", "700", "--keep-duplicates", "--format", "imagefolder,webdataset,stylegan,celeba",
        ]
        let whole = try Command.run(
            ["dataset", run, "--threads", "1", "--out", "whole"] + arguments, folder: folder.path)
        #expect(whole.status == 0, "\(whole.errors)")
        let expected = try contents("whole")
        let work = folder.file("killed/.facegan-dataset")
        /// Number of lines of the journal.
        func chunks() -> Int { bytes(work + "/journal").count { $0 == 0x0A } }
        var kills = 0
        func kill(when isTime: () -> Bool) throws {
            let process = try RunningProcess(
                Command.path, ["dataset", run, "--threads", "1", "--out", "killed"] + arguments,
                environment: ["NO_COLOR": "1"], folder: folder.path)
            let end = Date() + 100
            while process.isRunning, !isTime(), Date() < end { usleep(500) }
            guard process.isRunning else { return }
            process.send(SIGKILL)
            _ = process.wait()
            kills += 1
        }
        for limit in [1, 2, 5, 9] { try kill { chunks() >= limit } }
        let out = work + "/out"
        try kill { FileManager.default.fileExists(atPath: out + "/imagefolder/train/0000") }
        try kill { FileManager.default.fileExists(atPath: out + "/celeba") }
        try kill { FileManager.default.fileExists(atPath: folder.file("killed/celeba")) }
        #expect(kills >= 4, "the commands were too fast to be killed: \(kills)")
        let last = try Command.run(
            ["dataset", run, "--threads", "2", "--batch", "16", "--out", "killed"] + arguments,
            folder: folder.path)
        #expect(last.status == 0, "\(last.errors)")
        let found = try contents("killed")
        #expect(Set(found.keys) == Set(expected.keys))
        #expect(found == expected, "\(expected.keys.filter { found[$0] != expected[$0] }.sorted().prefix(5))")
    }

    @Test func interruptedCommandsSayHowToContinue() throws {
        let process = try RunningProcess(
            Command.path,
            ["dataset", run, "--threads", "1", "--count", "100000", "--keep-duplicates", "--out", "stopped"],
            environment: ["NO_COLOR": "1"], folder: folder.path)
        let journal = folder.file("stopped/.facegan-dataset/journal")
        while process.isRunning, bytes(journal).isEmpty { usleep(1000) }
        process.send(SIGINT)
        let result = process.wait()
        #expect(result.status == 130)
        #expect(
            result.errors.contains("To continue the data set in stopped, repeat the command."),
            "\(result.errors)")
    }

    @Test(arguments: [
        (["--count", "0"], "--count: expected 1 to 10,000,000, got 0"),
        (
            ["--count", "10", "--format", "zip"],
            "--format: expected imagefolder, webdataset, stylegan, celeba"
        ),
        (["--count", "10", "--splits", "80/30"], "with the sum 100, such as 80/10/10"),
        (["--count", "10", "--per-identity", "3"], "a multiple of 3 pictures per identity, got 10; use 12"),
        (["--count", "10", "--latents", "w+"], "--latents: expected z, w, z,w or none"),
        (["--count", "10", "--max-candidates", "9"], "expected 10 or more, got 9"),
        (["--count", "10", "--copy-quantile", "nan"], "--copy-quantile: expected 0 to 0.5"),
        (["--count", "10", "--protocol", "square16"], "--protocol requires --against"),
        (["--count", "10", "--cutoff", "2"], "--cutoff requires --psi"),
        (["--count", "10", "--out", ""], "--out: expected a folder"),
        (["--count", "10", "--seed", "18446744073709551615"], "leaves fewer than 10000 seeds"),
    ])
    func wrongUsageIsNamed(arguments: [String], message: String) throws {
        let result = try Command.run(["dataset", run] + arguments, folder: folder.path)
        #expect(result.status == 64, "\(result.errors)")
        #expect(result.errors.contains(message), "\(result.errors)")
        #expect(try folder.contents().isEmpty)
    }
}
