import Checkpoints
import Foundation
import Recipes
import TestSupport
import Testing

/// Signals to the real program.
@Suite struct SignalTests {
    @Test(arguments: [SIGINT, SIGTERM])
    func oneSignalSavesAndEnds(signal: Int32) throws {
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
        // It goes on there, as if nothing had been.
        let steps = "\(state.clock.steps + 4)"
        let more = try TrainProcess(tiny: tiny, name: "run", options: ["--steps", steps]).run()
        #expect(more.status == 0, "\(more.errors)")
        #expect(more.errors.contains("resuming at step"))
        #expect(
            try TrainProcess(tiny: tiny, name: "straight", options: ["--steps", steps]).run().status == 0)
        try tiny.expectEqual("straight", "run")
    }

    @Test func theSecondEndsAtOnce() throws {
        let tiny = try TinyRun()
        // The last grid takes long enough for a second signal.
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

    @Test func twoProcessesDoNotShareAFolder() throws {
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
        // The lock went with the process.
        #expect(try TrainProcess(tiny: tiny, name: "run", options: ["--steps", "4"]).run().status == 0)
    }
}
