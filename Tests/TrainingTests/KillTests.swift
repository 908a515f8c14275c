import Foundation
import TestSupport
import Testing

/// kill -9 at random moments; `scripts/kill-test` is the long version.
@Suite struct KillTests {
    @Test func killedEqualsUnkilled() throws {
        let tiny = try TinyRun()
        // A state after every step, so that many kills fall into a write.
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
                // Some milliseconds of training, then the next write.
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
        #expect(!end.errors.contains("passed over"), "\(end.errors)")
        try tiny.expectEqual("straight", "killed")
        // Nothing half-written stays behind.
        let names = try FileManager.default.contentsOfDirectory(atPath: tiny.folder("killed/checkpoints"))
        #expect(!names.contains { $0.contains(".partial-") }, "\(names)")
    }
}
