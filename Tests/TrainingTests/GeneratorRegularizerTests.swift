import Checkpoints
import Datasets
import Objectives
import Recipes
import Testing
import Torch
import Training

/// Regularizers of the generator are registered, not written into the trainer.
@Suite struct GeneratorRegularizerTests {
    static let overrides = ["pathLength.weight=2", "pathLength.every=2", "generator.filters=4"]

    /// The moving mean, the step counter and the noise stream are saved: a stopped run equals a straight one.
    @Test func stoppedEqualsStraight() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("dcgan", Self.overrides)
        try tiny.train("straight", recipe, steps: 11, precision: .fp32)
        for steps in [1, 4, 5, 11] { try tiny.train("stopped", recipe, steps: steps, precision: .fp32) }
        try tiny.expectEqual("straight", "stopped")
        let state = try Checkpoint(path: tiny.folder("straight/checkpoints/last.safetensors"))
        let mean = try #require(state.section("regularizers.path length").first)
        #expect(mean.key == "mean" && mean.tensor.item() > 0)
        let steps = try #require(state.section("regularizers.generator").first)
        #expect(steps.tensor.item() == 11)
    }

    /// A regularizer of the caller's: taken every third step, times 3, with a corrected learning rate.
    @Test func othersNeedNoChangeOfTheTrainer() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("dcgan", ["generator.filters=4"])
        final class Calls { var counts: [Int] = [] }
        let calls = Calls()
        let mine = Regularizer<GeneratorContext>("mine", interval: 3) { context in
            calls.counts.append(context.count)
            return context.generate(2).images.square().mean()
        }
        let trainer = try AdversarialTrainer(
            recipe: recipe, seed: 1, precision: .fp32, generatorRegularizers: [mine])
        let loader = BatchLoader(store: tiny.store, batchSize: recipe.batchSize, seed: 0)
        for _ in 0..<7 { try trainer.step { _ in loader.next() } }
        #expect(calls.counts == [8, 8, 8])
        #expect(abs(Regularizer.correction([mine]) - 0.75) < 1e-12)
    }
}
