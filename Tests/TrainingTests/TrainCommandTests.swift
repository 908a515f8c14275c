import Checkpoints
import Foundation
import Recipes
import TestSupport
import Testing

/// What only the program as a whole can show.
@Suite struct TrainCommandTests {
    /// Resident memory at step 2,000 is that of step 200, within 2 %.
    @Test func memoryIsFlat() throws {
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

    @Test func divergenceIsAFailure() throws {
        let tiny = try TinyRun()
        let result = try TrainProcess(
            tiny: tiny, name: "run", options: ["--steps", "3000"],
            recipe: tiny.write(DivergenceTests.absurd())
        ).run()
        #expect(result.status == 1)
        #expect(result.errors.contains("training diverged at step"), "\(result.errors)")
        #expect(result.errors.contains("is kept in"))
        #expect(try Checkpoint(path: tiny.folder("run/checkpoints/last.safetensors")).clock.steps > 0)
    }

    @Test func aDryRunWritesNothing() throws {
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

    /// A limit on the size of files fails a write as a full disk does, without rights of any kind.
    @Test func aFullDiskLosesNothing() throws {
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
        // With room again it goes on, exactly.
        #expect(try more.run().status == 0)
        #expect(try TrainProcess(tiny: tiny, name: "straight", options: ["--steps", "12"]).run().status == 0)
        try tiny.expectEqual("straight", "run")
    }

    @Test func nothingToDoIsSaid() throws {
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

    /// A run knows its recipe, its data, its seed and its precision.
    @Test func theFolderAloneGoesOn() throws {
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
