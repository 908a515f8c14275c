import Checkpoints
import Foundation
import Recipes
import Testing
import Torch
import Training

/// Numbers that overflow end a run that is not supervised; nothing that is not finite is ever saved.
@Suite struct DivergenceTests {
    /// Steps so large that weights outgrow a float after some dozen of them.
    static func absurd() throws -> Recipe {
        var recipe = try TinyRun.recipe(
            "dcgan",
            [
                "name=absurd", "training.logSteps=1", "training.saveMinutes=0", "supervision.isOn=false",
            ])
        recipe.adversarial.discriminatorOptimizer.kind = .sgd
        recipe.adversarial.discriminatorOptimizer.learningRate = 1
        recipe.adversarial.discriminatorOptimizer.momentum = 0.9999
        recipe.adversarial.discriminatorOptimizer.weightDecay = 1
        recipe.adversarial.generatorOptimizer = recipe.adversarial.discriminatorOptimizer
        return recipe
    }

    @Test(arguments: [Precision.fp32, .bf16])
    func theLastGoodStateIsKept(precision: Precision) throws {
        let tiny = try TinyRun()
        let recipe = try Self.absurd()
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
        // It goes on from there, into the same wall.
        let second = #expect(throws: TrainingError.self) {
            let again = try tiny.open("run", recipe, precision: precision)
            #expect(again.resumedAt == state.clock && again.notes.isEmpty)
            try again.run(until: .init(steps: 3000), output: nil, isCancelled: { false })
        }
        #expect("\(try #require(second))" == "\(try #require(error))")
    }

    /// Lower rates are no help here: a supervised run ends, too, and says what it tried.
    @Test func aHopelessRunEnds() throws {
        let tiny = try TinyRun()
        var recipe = try Self.absurd()
        recipe.supervision = SupervisionSettings()
        let error = #expect(throws: TrainingError.self) { try tiny.train("run", recipe, steps: 3000) }
        let text = "\(try #require(error))"
        #expect(text.contains("It went back 3 times: ") && text.contains("learning rates x 0.125"), "\(text)")
        let state = try Checkpoint(path: tiny.folder("run/checkpoints/last.safetensors"))
        for (key, tensor) in state.tensors where tensor.dtype.isFloatingPoint {
            #expect(tensor.isFinite().all().item() == 1, "\(key)")
        }
    }

    @Test func everyTensorOfAStateIsLookedAt() throws {
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
