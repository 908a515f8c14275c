import Checkpoints
import Datasets
import Foundation
import Recipes
import TestSupport
import Testing

/// Tests of the `train` command as a process.
@Suite struct TrainCommandTests {
    /// Resident memory at step 2,000 equals that at step 200 within 2 %.
    @Test func memoryIsConstant() throws {
        let tiny = try TinyRun()
        let train = TrainProcess(
            tiny: tiny, name: "run", options: ["--steps", "2000"],
            settings: ["training.logSteps=200", "training.previewKimg=4", "training.saveMinutes=0"])
        let result = try train.run()
        #expect(result.status == 0, "\(result.errors)")
        let log = String(decoding: tiny.bytes("run/log.jsonl"), as: UTF8.self)
        let memory = log.matches(of: /"memoryBytes":(\d+)/).compactMap { Double($0.1) }
        try #require(memory.count == 10)
        #expect(abs(memory[9] / memory[0] - 1) < 0.02, "\(memory)")
    }

    @Test func divergenceIsAnError() throws {
        let tiny = try TinyRun()
        let result = try TrainProcess(
            tiny: tiny, name: "run", options: ["--steps", "3000"],
            recipe: tiny.write(DivergenceTests.diverging())
        ).run()
        #expect(result.status == 1)
        #expect(result.errors.contains("training diverged at step"), "\(result.errors)")
        #expect(result.errors.contains("is in "))
        #expect(try Checkpoint(path: tiny.folder("run/checkpoints/last.safetensors")).clock.steps > 0)
    }

    @Test func dryRunWritesNothing() throws {
        let tiny = try TinyRun()
        let place = try TemporaryFolder()
        let arguments = [
            "train", "--recipe", "dcgan", "--data", "builtin:64", "--dry-run", "--threads", "1", "--device",
            "cpu",
        ]
        let result = try runProcess(
            TrainProcess.program, arguments + TinyRun.overrides.flatMap { ["--set", $0] },
            environment: ["HOME": place.path, "FACEGAN_CACHE": place.file("cache"), "OMP_NUM_THREADS": "1"],
            folder: place.path)
        #expect(result.status == 0, "\(result.errors)")
        #expect(try place.contents().isEmpty)
        for part in ["resolution: 16", "generator: ", "parameters", "images/s", "memory about"] {
            #expect(result.output.contains(part), "\(part) is not in: \(result.output)")
        }
        withExtendedLifetime(tiny) {}
    }

    /// A limit of the file size makes writes fail like a full disk.
    @Test func fullDiskLosesNoState() throws {
        let tiny = try TinyRun()
        let train = TrainProcess(tiny: tiny, name: "run", options: ["--steps", "6"])
        #expect(try train.run().status == 0)
        let before = tiny.bytes("run/checkpoints/last.safetensors")
        let kilobytes = before.count / 1024 - 8
        let more = TrainProcess(tiny: tiny, name: "run", options: ["--steps", "12"])
        let script = "trap '' XFSZ; ulimit -f \(kilobytes); exec \"$0\" \"$@\""
        let full = try runProcess(
            "/usr/bin/env", ["bash", "-c", script, TrainProcess.program] + more.arguments,
            environment: more.environment)
        #expect(full.status == 1)
        #expect(full.errors.contains("last.safetensors: cannot write the file"), "\(full.errors)")
        #expect(tiny.bytes("run/checkpoints/last.safetensors") == before)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: tiny.folder("run/checkpoints")) == [
                "last.safetensors"
            ])
        // Without the limit the run resumes exactly.
        #expect(try more.run().status == 0)
        #expect(try TrainProcess(tiny: tiny, name: "straight", options: ["--steps", "12"]).run().status == 0)
        try tiny.expectEqual("straight", "run")
    }

    @Test func finishedRunHasNothingToDo() throws {
        let tiny = try TinyRun()
        let train = TrainProcess(tiny: tiny, name: "run", options: ["--steps", "4"])
        let first = try train.run()
        #expect(first.errors.contains("Finished: "), "\(first.errors)")
        let second = try train.run()
        #expect(second.status == 0)
        #expect(
            second.errors.contains("Nothing to do") && !second.errors.contains("Finished"), "\(second.errors)"
        )
    }

    /// A run stores its recipe, data, seed and precision.
    @Test func folderIsEnoughToResume() throws {
        let tiny = try TinyRun()
        #expect(
            try TrainProcess(tiny: tiny, name: "run", options: ["--steps", "4", "--seed", "9"]).run().status
                == 0)
        let again = [
            "train", "--out", tiny.folder("run"), "--threads", "1", "--device", "cpu", "--steps", "8",
        ]
        let result = try runProcess(TrainProcess.program, again, environment: ["OMP_NUM_THREADS": "1"])
        #expect(result.status == 0, "\(result.errors)")
        #expect(
            try TrainProcess(tiny: tiny, name: "straight", options: ["--steps", "8", "--seed", "9"]).run()
                .status == 0)
        try tiny.expectEqual("straight", "run")
    }
}

/// kill -9 at random times; `scripts/test-kill` is the long version.
@Suite struct KillTests {
    @Test func killedRunEqualsUninterruptedRun() throws {
        let tiny = try TinyRun()
        // A save after every step, so that many kills interrupt one.
        let settings = [
            "training.saveMinutes=0", "training.logSteps=1", "training.keepKimg=0.4",
            "training.scoreKimg=0.5",
            "training.previewKimg=0.3", "data.crop=0.1", "data.brightness=0.1",
        ]
        let steps = 200
        func train(_ name: String) -> TrainProcess {
            TrainProcess(tiny: tiny, name: name, options: ["--steps", "\(steps)"], settings: settings)
        }
        let whole = try train("straight").run()
        #expect(whole.status == 0, "\(whole.errors)")

        var random = Mutator(seed: 7)
        var (kills, duringWrites) = (0, 0)
        while kills < 8 {
            let process = try train("killed").start()
            let checkpoints = tiny.folder("killed/checkpoints")
            func isWriting() -> Bool {
                let names = try? FileManager.default.contentsOfDirectory(atPath: checkpoints)
                return names?.contains { $0.contains(".partial-") } ?? false
            }
            if kills % 2 == 0 {
                usleep(UInt32(random.below(900_000)))
            } else {
                // Waits for some log lines and then for the next save.
                let before = tiny.lineCount("killed") + 1 + random.below(20)
                while process.isRunning, tiny.lineCount("killed") < before { usleep(500) }
                while process.isRunning, !isWriting() { usleep(100) }
            }
            guard process.isRunning else { break }
            process.send(SIGKILL)
            #expect(process.wait().status == 137)
            kills += 1
            duringWrites += isWriting() ? 1 : 0
        }
        #expect(kills >= 6)
        #expect(duringWrites > 0)
        let end = try train("killed").run()
        #expect(end.status == 0, "\(end.errors)")
        #expect(!end.errors.contains("skipped a state"), "\(end.errors)")
        try tiny.expectEqual("straight", "killed")
        // No partial file is left.
        let names = try FileManager.default.contentsOfDirectory(atPath: tiny.folder("killed/checkpoints"))
        #expect(!names.contains { $0.contains(".partial-") }, "\(names)")
    }
}

/// Signals to the program.
@Suite struct SignalTests {
    @Test(arguments: [SIGINT, SIGTERM])
    func firstSignalSavesAndEnds(signal: Int32) throws {
        let tiny = try TinyRun()
        let train = TrainProcess(tiny: tiny, name: "run", options: ["--minutes", "10"])
        let process = try train.start()
        try train.waitForLines(2, of: process)
        process.send(signal)
        let result = process.wait()
        #expect(result.status == 128 + signal)
        #expect(
            result.errors.contains("Stopped: ") && result.errors.contains("facegan train --out"),
            "\(result.errors)")
        let state = try Checkpoint(path: train.last)
        #expect(state.clock.steps >= 6)
        // The run resumes from there exactly.
        let steps = "\(state.clock.steps + 4)"
        let more = try TrainProcess(tiny: tiny, name: "run", options: ["--steps", steps]).run()
        #expect(more.status == 0, "\(more.errors)")
        #expect(more.errors.contains("resuming at step"))
        #expect(
            try TrainProcess(tiny: tiny, name: "straight", options: ["--steps", steps]).run().status == 0)
        try tiny.expectEqual("straight", "run")
    }

    @Test func secondSignalEndsAtOnce() throws {
        let tiny = try TinyRun()
        // The last preview takes long enough for a second signal.
        let train = TrainProcess(
            tiny: tiny, name: "run", options: ["--minutes", "10"], settings: ["training.previewCount=1024"])
        let process = try train.start()
        try train.waitForLines(2, of: process)
        while process.isRunning {
            process.send(SIGINT)
            usleep(2000)
        }
        let result = process.wait()
        #expect(result.status == 130)
        #expect(!result.errors.contains("Stopped: "), "\(result.errors)")
        #expect(
            try TrainProcess(
                tiny: tiny, name: "run", options: ["--steps", "9"],
                settings: ["training.previewCount=1024"]
            ).run().status == 0)
    }

    @Test func folderIsLocked() throws {
        let tiny = try TinyRun()
        let train = TrainProcess(tiny: tiny, name: "run", options: ["--minutes", "10"])
        let process = try train.start()
        try train.waitForLines(1, of: process)
        let second = try train.run()
        #expect(second.status != 0)
        #expect(second.errors.contains("another process is training in this folder"), "\(second.errors)")
        #expect(process.isRunning)
        process.send(SIGKILL)
        #expect(process.wait().status == 137)
        // The lock ends with the process.
        #expect(try TrainProcess(tiny: tiny, name: "run", options: ["--steps", "4"]).run().status == 0)
    }
}

/// `facegan train` as a process, on a tiny run.
struct TrainProcess {
    let tiny: TinyRun
    let name: String
    var options: [String] = []
    /// Overrides in addition to those of `TinyRun`.
    var settings: [String] = []
    /// Path of a recipe; nil for a small `dcgan`.
    var recipe: String?

    static let program = builtProducts() + "/facegan"

    var arguments: [String] {
        [
            "train", "--recipe", recipe ?? "dcgan", "--data", tiny.store.path, "--out", tiny.folder(name),
            "--threads", "1",
            "--device", "cpu", "--precision", "fp32",
        ]
            + ((recipe == nil ? TinyRun.overrides : []) + settings).flatMap { ["--set", $0] } + options
    }

    var environment: [String: String] {
        ["OMP_NUM_THREADS": "1", "FACEGAN_CACHE": tiny.place.file("cache"), "NO_COLOR": "1"]
    }

    func start() throws -> RunningProcess {
        try RunningProcess(Self.program, arguments, environment: environment)
    }

    func run() throws -> ProcessResult {
        try runProcess(Self.program, arguments, environment: environment, seconds: 300)
    }

    /// Waits until the log has a number of lines.
    func waitForLines(_ count: Int, of process: RunningProcess) throws {
        var waits = 0
        while tiny.lineCount(name) < count, process.isRunning, waits < 30_000 {
            usleep(2000)
            waits += 1
        }
        try #require(
            tiny.lineCount(name) >= count, "\(process.isRunning ? "too slow" : process.wait().errors)")
    }

    var last: String { tiny.folder(name + "/checkpoints/last.safetensors") }
}
