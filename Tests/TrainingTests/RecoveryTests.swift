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

/// Recovery of a diverged run from its last good state.
@Suite struct RecoveryTests {
    /// Saves a state at every log line, so that the restored state does not depend on time.
    static let saving = ["training.logSteps=4", "training.saveMinutes=0", "data.flip=0.5"]

    @Test func runRecoversOnceAndFinishes() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("dcgan", Self.saving)
        let printed = Mutex("")
        let console = ConsoleOutput(isInteractive: false, hasColors: false, width: 200) { text in
            printed.withLock { $0 += text }
        }
        let run = try tiny.open("run", recipe)
        run.beforeStep = Faults.nan(atStep: 10)
        #expect(
            try run.run(until: .init(steps: 20), output: console, isCancelled: { false }) == .finished)
        #expect(run.trainer.clock == TrainingClock(steps: 20, images: 160))
        #expect(run.trainer.learningRateFactor == 0.5)
        #expect(run.trainer.state.firstNotFinite() == nil)

        let recovery = try #require(run.trainer.recoveries.all.first)
        #expect(run.trainer.recoveries.all.count == 1)
        #expect(recovery.step == 8 && recovery.failedStep == 10)
        // The clock returns to 64 images; the pictures continue after the 80 used ones.
        #expect(recovery.skippedImages == 16)
        let records = try tiny.records("run", with: "recovery")
        #expect(records.count == 1)
        #expect(records[0]["step"] as? Int == 9 && records[0]["recovery"] as? Int == 1)
        #expect(records[0]["learningRates"] as? Double == 0.5)
        #expect((records[0]["cause"] as? String)?.contains("is not finite") == true)
        let losses = try tiny.records("run", with: "lossD")
        #expect(losses.map { $0["step"] as? Int } == [4, 8, 12, 16, 20])
        #expect(losses.map { $0["learningRateFactor"] as? Double } == [1, 1, 0.5, 0.5, 0.5])
        #expect(
            printed.withLock { $0 }.contains(
                "at step 10; restored step 8 with learning rates x 0.5 and other pictures (recovery 1 of 3)"
            ))
    }

    /// Up to the recovery, both runs are equal; afterwards pictures, latents and learning rates differ.
    @Test func recoveredRunHasOtherPicturesAndLatents() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("dcgan", Self.saving)
        try tiny.train("healthy", recipe, steps: 12)
        try tiny.train("broken", recipe, steps: 12, fault: Faults.nan(atStep: 10))
        let (healthy, broken) = (
            try tiny.records("healthy", with: "lossD"), try tiny.records("broken", with: "lossD")
        )
        for key in ["lossD", "lossG", "diversity"] {
            let pairs = zip(healthy, broken).map { ($0[key] as? Double, $1[key] as? Double) }
            #expect(pairs[0].0 == pairs[0].1 && pairs[1].0 == pairs[1].1)
            #expect(pairs[2].0 != pairs[2].1)
        }
        // The number of latents is equal, their values differ.
        func latents(_ name: String) throws -> [UInt8]? {
            try Checkpoint(path: tiny.folder(name + "/checkpoints/last.safetensors")).section("random")
                .first { $0.key == "latents" }?.tensor.bytes()
        }
        #expect(try latents("healthy") != latents("broken"))
    }

    /// Gradient descent with a learning rate that is too high for the penalty diverges until recoveries have lowered it.
    @Test func highLearningRateIsLowered() throws {
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

    /// The initial weights are saved, for recovery before the first regular save.
    @Test func runRecoversFromItsInitialState() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("dcgan", ["training.logSteps=4"])
        let run = try tiny.train("run", recipe, steps: 12, fault: Faults.nan(atStep: 3))
        #expect(run.trainer.recoveries.all.map(\.step) == [0])
        #expect(try tiny.records("run", with: "recovery").count == 1)
    }

    @Test(arguments: [0, 1, 2])
    func runEndsAfterAllRecoveries(recoveries: Int) throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("dcgan", Self.saving + ["supervision.maxRecoveries=\(recoveries)"])
        func train() throws {
            let run = try tiny.open("run", recipe)
            run.beforeStep = Faults.nan(atStep: 10, attempts: .max)
            try run.run(until: .init(steps: 20), output: nil, isCancelled: { false })
        }
        let error = #expect(throws: TrainingError.self) { try train() }
        let text = "\(try #require(error))"
        #expect(text.contains("training diverged at step 10") && text.contains("last.safetensors"), "\(text)")
        #expect(text.contains("The run recovered") == (recoveries > 0), "\(text)")
        if recoveries > 0 {
            #expect(
                text.contains(recoveries == 1 ? "The run recovered once: " : "The run recovered 2 times: "),
                "\(text)")
            #expect(text.contains("learning rates x 0.5"))
            #expect(text.contains("learning rates x 0.25") == (recoveries == 2))
        }
        // The same command fails again without another recovery.
        let second = #expect(throws: TrainingError.self) { try train() }
        #expect("\(try #require(second))" == text)
        // The number of recoveries can be increased for an existing run.
        var more = recipe
        more.supervision.maxRecoveries = recoveries + 1
        let run = try tiny.open("run", more)
        run.beforeStep = Faults.nan(atStep: 10, attempts: recoveries + 1)
        #expect(try run.run(until: .init(steps: 20), output: nil, isCancelled: { false }) == .finished)
        #expect(run.trainer.learningRateFactor == pow(0.5, Double(recoveries + 1)))
    }

    /// A second divergence from the same state restores an older one.
    @Test func secondRecoveryUsesAnOlderState() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("dcgan", Self.saving + ["training.keepKimg=0.032"])
        let run = try tiny.train("run", recipe, steps: 20, fault: Faults.nan(atStep: 10, attempts: 2))
        #expect(run.trainer.recoveries.all.map(\.step) == [8, 4])
        #expect(run.trainer.recoveries.all.map(\.learningRateFactor) == [0.5, 0.25])
    }

    @Test func lossAboveTheLimitIsADivergence() throws {
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
        #expect(what.contains("the loss of the") && what.contains("above 100000.0") && step == 24, "\(what)")
    }

    /// A run with recoveries that is stopped at several steps equals an uninterrupted one.
    @Test(arguments: ["dcgan", "wgan-gp"])
    func resumedRunEqualsUninterruptedRun(recipe name: String) throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe(name, Self.saving + ["training.keepKimg=0.1", "data.crop=0.1"])
        let fault = Faults.nan(atStep: 10, attempts: 2)
        try tiny.train("straight", recipe, steps: 24, fault: fault)
        for steps in [4, 8, 12, 13, 18, 24] { try tiny.train("stopped", recipe, steps: steps, fault: fault) }
        try tiny.expectEqual("straight", "stopped")
        #expect(try tiny.records("stopped", with: "recovery").count == 2)
    }

    /// A kill between the state and the log record of a recovery, or after later log lines, does not change the log.
    @Test func killedRunEqualsUninterruptedRun() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("dcgan", Self.saving)
        let fault = Faults.nan(atStep: 10)
        try tiny.train("straight", recipe, steps: 16, fault: fault)
        for cut in [true, false] {
            let name = "killed\(cut)"
            let last = tiny.folder(name + "/checkpoints/last.safetensors")
            let copy = tiny.folder(name + "/copy.safetensors")
            // The state that was saved by the recovery, before the next step.
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
                    .split(separator: "\n").filter { !$0.contains("\"recovery\"") }
                try tiny.place.write(lines.map { $0 + "\n" }.joined(), to: name + "/log.jsonl")
            }
            try tiny.train(name, recipe, steps: 16, fault: fault)
            try tiny.expectEqual("straight", name)
        }
    }
}

/// Divergence of runs without recovery. No saved state has a value that is not finite.
@Suite struct DivergenceTests {
    /// Recipe whose weights overflow after some dozen steps.
    static func diverging() throws -> Recipe {
        var recipe = try TinyRun.recipe(
            "dcgan",
            [
                "name=diverging", "training.logSteps=1", "training.saveMinutes=0", "supervision.isOn=false",
            ])
        recipe.adversarial.discriminatorOptimizer.kind = .sgd
        recipe.adversarial.discriminatorOptimizer.learningRate = 1
        recipe.adversarial.discriminatorOptimizer.momentum = 0.9999
        recipe.adversarial.discriminatorOptimizer.weightDecay = 1
        recipe.adversarial.generatorOptimizer = recipe.adversarial.discriminatorOptimizer
        return recipe
    }

    @Test(arguments: [Precision.fp32, .bf16])
    func lastGoodStateIsKept(precision: Precision) throws {
        let tiny = try TinyRun()
        let recipe = try Self.diverging()
        let error = #expect(throws: TrainingError.self) {
            try tiny.train("run", recipe, steps: 3000, precision: precision)
        }
        guard case .diverged(let what, let step, let kept) = try #require(error) else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(!what.isEmpty && kept.contains("last.safetensors"))
        let state = try Checkpoint(path: tiny.folder("run/checkpoints/last.safetensors"))
        #expect(state.clock.steps < step && state.clock.steps > 0)
        #expect(kept.contains("step \(state.clock.steps) "))
        for (key, tensor) in state.tensors where tensor.dtype.isFloatingPoint {
            #expect(tensor.isFinite().all().item() == 1, "\(key)")
        }
        // The resumed run diverges again.
        let second = #expect(throws: TrainingError.self) {
            let again = try tiny.open("run", recipe, precision: precision)
            #expect(again.resumedAt == state.clock && again.notes.isEmpty)
            try again.run(until: .init(steps: 3000), output: nil, isCancelled: { false })
        }
        #expect("\(try #require(second))" == "\(try #require(error))")
    }

    /// A run that diverges at all learning rates ends with a summary of its recoveries.
    @Test func runEndsIfNoRecoveryHelps() throws {
        let tiny = try TinyRun()
        var recipe = try Self.diverging()
        recipe.supervision = SupervisionSettings()
        let error = #expect(throws: TrainingError.self) { try tiny.train("run", recipe, steps: 3000) }
        let text = "\(try #require(error))"
        #expect(
            text.contains("The run recovered 3 times: ") && text.contains("learning rates x 0.125"), "\(text)"
        )
        let state = try Checkpoint(path: tiny.folder("run/checkpoints/last.safetensors"))
        for (key, tensor) in state.tensors where tensor.dtype.isFloatingPoint {
            #expect(tensor.isFinite().all().item() == 1, "\(key)")
        }
    }

    @Test func everyTensorOfAStateIsChecked() throws {
        let recipe = try TinyRun.recipe()
        for broken in ["average.", "optimizer.generator.square.", "discriminator.", "statistics."] {
            let trainer = try AdversarialTrainer(recipe: recipe, seed: 1, precision: .fp32)
            try trainer.step { _ in grayBatch(recipe) }
            #expect(trainer.state.firstNotFinite() == nil)
            var state = trainer.checkpoint()
            let index = try #require(
                state.tensors.lastIndex { $0.key.hasPrefix(broken) && $0.tensor.dtype.isFloatingPoint })
            state.tensors[index].tensor = Tensor.full(state.tensors[index].tensor.shape, .nan)
            try trainer.restore(state)
            #expect(trainer.state.firstNotFinite() == state.tensors[index].key)
        }
    }
}
