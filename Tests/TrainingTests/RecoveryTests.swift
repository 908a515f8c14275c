import Checkpoints
import Console
import Foundation
import Recipes
import Synchronization
import TestSupport
import Testing
import Torch
import TorchNN
import Training

/// A run that diverges goes back to its last good state, changes something, and says so.
@Suite struct RecoveryTests {
    /// A state at every line of the log, so that what a run goes back to does not depend on the hour.
    static let saving = ["training.logSteps=4", "training.saveMinutes=0", "data.flip=0.5"]

    @Test func itGoesBackOnceAndFinishes() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("dcgan", Self.saving)
        let said = Mutex("")
        let console = ConsoleOutput(isInteractive: false, hasColors: false, width: 200) { text in
            said.withLock { $0 += text }
        }
        let run = try tiny.open("run", recipe)
        run.beforeStep = Faults.nan(atStep: 10)
        #expect(
            try run.run(until: .init(steps: 20), output: console, isCancelled: { false }) == .finished)
        #expect(run.trainer.clock == TrainingClock(steps: 20, images: 160))
        #expect(run.trainer.learningRateFactor == 0.5)
        #expect(run.trainer.state.firstNotFinite() == nil)

        let remedy = try #require(run.trainer.recoveries.all.first)
        #expect(run.trainer.recoveries.all.count == 1)
        #expect(remedy.step == 8 && remedy.failedStep == 10)
        // Back at 64 images; the pictures go on behind the 80 that were shown.
        #expect(remedy.skippedImages == 16)
        let records = try tiny.records("run", with: "remedy")
        #expect(records.count == 1)
        #expect(records[0]["step"] as? Int == 9 && records[0]["remedy"] as? Int == 1)
        #expect(records[0]["learningRates"] as? Double == 0.5)
        #expect((records[0]["cause"] as? String)?.contains("is not finite") == true)
        let losses = try tiny.records("run", with: "lossD")
        #expect(losses.map { $0["step"] as? Int } == [4, 8, 12, 16, 20])
        #expect(losses.map { $0["learningRateFactor"] as? Double } == [1, 1, 0.5, 0.5, 0.5])
        #expect(
            said.withLock { $0 }.contains(
                "at step 10; went back to step 8 with the learning rates x 0.5 and other pictures (1 of 3 tries)"
            ))
    }

    /// Until the remedy the two runs are one; afterwards pictures, latents and rates differ.
    @Test func itDoesNotRepeatItself() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("dcgan", Self.saving)
        try tiny.train("well", recipe, steps: 12)
        try tiny.train("broken", recipe, steps: 12, fault: Faults.nan(atStep: 10))
        let (well, broken) = (
            try tiny.records("well", with: "lossD"), try tiny.records("broken", with: "lossD")
        )
        for key in ["lossD", "lossG", "diversity"] {
            let pairs = zip(well, broken).map { ($0[key] as? Double, $1[key] as? Double) }
            #expect(pairs[0].0 == pairs[0].1 && pairs[1].0 == pairs[1].1)
            #expect(pairs[2].0 != pairs[2].1)
        }
        // As many latents were drawn, but others.
        func latents(_ name: String) throws -> [UInt8]? {
            try Checkpoint(path: tiny.folder(name + "/checkpoints/last.safetensors")).section("random")
                .first { $0.key == "latents" }?.tensor.bytes()
        }
        #expect(try latents("well") != latents("broken"))
    }

    /// No fault at all: plain gradient descent with steps that are too long for the penalty's curvature, until they are not.
    @Test func aRateThatIsTooHighIsCured() throws {
        let tiny = try TinyRun()
        var recipe = try TinyRun.recipe("wgan-gp", ["steps.discriminator=1", "training.logSteps=4"])
        recipe.adversarial.discriminatorOptimizer.kind = .sgd
        recipe.adversarial.discriminatorOptimizer.learningRate = 0.03
        let run = try tiny.train("run", recipe, steps: 80)
        #expect((1...3).contains(run.trainer.recoveries.all.count))
        #expect(run.trainer.state.firstNotFinite() == nil)
        recipe.supervision.maxRecoveries = 0
        #expect(throws: TrainingError.self) { try tiny.train("unsupervised", recipe, steps: 80) }
    }

    /// Nothing had been saved: the starting values are a state.
    @Test func theBeginningIsAState() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("dcgan", ["training.logSteps=4"])
        let run = try tiny.train("run", recipe, steps: 12, fault: Faults.nan(atStep: 3))
        #expect(run.trainer.recoveries.all.map(\.step) == [0])
        #expect(try tiny.records("run", with: "remedy").count == 1)
    }

    @Test(arguments: [0, 1, 2])
    func itGivesUp(tries: Int) throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("dcgan", Self.saving + ["supervision.maxRecoveries=\(tries)"])
        func train() throws {
            let run = try tiny.open("run", recipe)
            run.beforeStep = Faults.nan(atStep: 10, attempts: .max)
            try run.run(until: .init(steps: 20), output: nil, isCancelled: { false })
        }
        let error = #expect(throws: TrainingError.self) { try train() }
        let text = "\(try #require(error))"
        #expect(text.contains("training diverged at step 10") && text.contains("last.safetensors"), "\(text)")
        #expect(text.contains("It went back") == (tries > 0), "\(text)")
        if tries > 0 {
            #expect(text.contains(tries == 1 ? "It went back once: " : "It went back 2 times: "), "\(text)")
            #expect(text.contains("learning rates x 0.5"))
            #expect(text.contains("learning rates x 0.25") == (tries == 2))
        }
        // The same command again does not try again.
        let second = #expect(throws: TrainingError.self) { try train() }
        #expect("\(try #require(second))" == text)
        // More tries may be granted to a run.
        var more = recipe
        more.supervision.maxRecoveries = tries + 1
        let run = try tiny.open("run", more)
        run.beforeStep = Faults.nan(atStep: 10, attempts: tries + 1)
        #expect(try run.run(until: .init(steps: 20), output: nil, isCancelled: { false }) == .finished)
        #expect(run.trainer.learningRateFactor == pow(0.5, Double(tries + 1)))
    }

    /// When the newest state does not help, an older one may.
    @Test func itGoesFurtherBack() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("dcgan", Self.saving + ["training.keepKimg=0.032"])
        let run = try tiny.train("run", recipe, steps: 20, fault: Faults.nan(atStep: 10, attempts: 2))
        #expect(run.trainer.recoveries.all.map(\.step) == [8, 4])
        #expect(run.trainer.recoveries.all.map(\.learningRateFactor) == [0.5, 0.25])
    }

    @Test func aLossWithoutEndIsADivergence() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("wgan-gp", Self.saving + ["supervision.maxRecoveries=0"])
        let error = #expect(throws: TrainingError.self) {
            try tiny.train("run", recipe, steps: 40) { trainer in
                guard trainer.clock.steps == 21, let last = Faults.discriminator(trainer).parameters.last
                else { return }
                withoutGradients { last.parameter.value.fill_(1e7) }
                for (_, parameter) in Faults.discriminator(trainer).parameters.suffix(2) {
                    withoutGradients { parameter.value.fill_(1e7) }
                }
            }
        }
        guard case .exploded(let what, let step, _) = try #require(error) else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(what.contains("the loss of the") && what.contains("beyond 100000.0") && step == 24, "\(what)")
    }

    /// After a remedy, stopping and going on changes nothing, wherever it stops.
    @Test(arguments: ["dcgan", "wgan-gp"])
    func stoppedEqualsStraight(recipe name: String) throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe(name, Self.saving + ["training.keepKimg=0.1", "data.crop=0.1"])
        let fault = Faults.nan(atStep: 10, attempts: 2)
        try tiny.train("straight", recipe, steps: 24, fault: fault)
        for steps in [4, 8, 12, 13, 18, 24] { try tiny.train("stopped", recipe, steps: steps, fault: fault) }
        try tiny.expectEqual("straight", "stopped")
        #expect(try tiny.records("stopped", with: "remedy").count == 2)
    }

    /// Killed between the remedy's state and its line, or with lines that came after: the log is the same.
    @Test func killedEqualsStraight() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("dcgan", Self.saving)
        let fault = Faults.nan(atStep: 10)
        try tiny.train("straight", recipe, steps: 16, fault: fault)
        for cut in [true, false] {
            let name = "killed\(cut)"
            let last = tiny.folder(name + "/checkpoints/last.safetensors")
            let copy = tiny.folder(name + "/copy.safetensors")
            // The state that the remedy was written with, before the step after it.
            try tiny.train(name, recipe, steps: 11) { trainer in
                fault(trainer)
                if trainer.recoveries.all.count == 1, trainer.clock.steps == 8 {
                    try? FileManager.default.copyItem(atPath: last, toPath: copy)
                }
            }
            try FileManager.default.removeItem(atPath: last)
            try FileManager.default.moveItem(atPath: copy, toPath: last)
            if cut {
                let lines = String(decoding: tiny.bytes(name + "/log.jsonl"), as: UTF8.self)
                    .split(separator: "\n").filter { !$0.contains("\"remedy\"") }
                try tiny.place.write(lines.map { $0 + "\n" }.joined(), to: name + "/log.jsonl")
            }
            try tiny.train(name, recipe, steps: 16, fault: fault)
            try tiny.expectEqual("straight", name)
        }
    }
}
