import Checkpoints
import Models
import Objectives
import Recipes
import TestSupport
import Testing
import Torch
import TorchNN
import Training

/// A step of the critic compared with PyTorch: loss, gradient penalty, drift penalty and Adam.
@Suite struct WassersteinStepTests {
    /// Golden files are made by make_wgan_gp.py.
    @Test(arguments: [
        ("wgan-gp", ResidualSettings.Normalization.none),
        ("wgan-gp-layer", ResidualSettings.Normalization.layer),
    ])
    func criticStepEqualsPyTorch(name: String, normalization: ResidualSettings.Normalization) throws {
        let read = try TensorFile.read(goldens("Objectives/\(name).safetensors")).tensors
        let golden = Dictionary(uniqueKeysWithValues: read.map { ($0.name, $0.tensor) })
        func given(_ key: String) throws -> Tensor {
            try #require(golden[key], "the golden file has no \(key)")
        }
        func blocks(_ key: String) throws -> Tensor {
            try given(key).to(.float32).upsampledNearest(height: 64, width: 64).to(.channelsLast)
        }
        var recipe = try Recipe.load(
            "wgan-gp",
            overrides: [
                "batchSize=16", "generator.filters=4", "discriminator.filters=4", "gradientPenalty.drift=0.5",
            ])
        recipe.adversarial.discriminator[ResidualSettings.self].normalization = normalization
        let trainer = try AdversarialTrainer(
            recipe: recipe, seed: UInt64(try given("seed").item()), precision: .fp32)
        let keys = trainer.discriminator.state.map(\.key)
        try trainer.discriminator.load(keys.map { ($0, try given("start." + $0)) })

        let (real, fake) = try (blocks("coarse") / 127.5 - 1, blocks("noise"))
        let logits = withoutGradients { trainer.discriminator(Tensor.concatenated([real, fake])) }
        try expect(logits, given("logits"), "logits")
        let penalty = try recipe.adversarial.gradientPenalty(
            real: real, fake: fake, share: given("share"), critic: { trainer.discriminator($0) })
        try expect(penalty, given("penalty"), "penalty")

        trainer.trainDiscriminator(real: real, fake: fake)
        for (key, tensor) in trainer.discriminator.state {
            let (start, end) = try (given("start." + key), given("end." + key))
            // The size of Adam's first step does not depend on the gradient. For gradients near zero, rounding determines the
            // sign of the step, so these weights are not compared.
            let gradient = try given("gradient." + key).abs()
            let isClear = gradient.greater(than: 1e-4 * gradient.max().item()).to(.float32)
                .maximum(gradient.equal(to: 0).to(.float32))
            #expect(isClear.mean().item() > 0.7, "\(key)")
            try expect(tensor * isClear, end * isClear, key)
            // The change of the weights is compared too, because it is much smaller than the weights.
            try expect(
                (tensor - start) * isClear, (end - start) * isClear, "the step of " + key, within: 1e-2)
        }
        let squares = trainer.checkpoint().section("optimizer.discriminator").filter {
            $0.key.hasPrefix("square.")
        }
        #expect(squares.count == keys.count)
        for (key, square) in squares {
            // After the first step, the mean squared gradient is (1 - beta2) times the squared gradient.
            let gradient = try given("gradient." + key.dropFirst("square.".count))
            try expect((square / 0.1).sqrt(), gradient.abs(), key)
        }
        _ = try? trainer.takeStatistics()
    }

    private func expect(
        _ value: Tensor, _ expected: Tensor, _ name: String, within tolerance: Double = 1e-4
    ) throws {
        try #require(value.shape == expected.shape)
        let difference = (value - expected).detached().abs().max().item() / expected.abs().max().item()
        #expect(difference <= tolerance, "\(name) differs by \(difference)")
    }

    /// The logged loss includes the penalty; the scores are mean logits.
    @Test func loggedLossIncludesThePenalty() throws {
        let recipe = try TinyRun.recipe("wgan-gp", ["steps.discriminator=1"])
        let trainer = try AdversarialTrainer(recipe: recipe, seed: 0, precision: .fp32)
        let real = Tensor.uniform([8, 3, 16, 16], -1, 1, random: RandomSource(seed: 1))
        let fake = Tensor.uniform([8, 3, 16, 16], -1, 1, random: RandomSource(seed: 2))
        let share = Tensor.uniform([8, 1, 1, 1], random: RandomSource(seed: 2))
        let critic = trainer.discriminator
        let penalty = recipe.adversarial.gradientPenalty(
            real: real, fake: fake, share: share, critic: { critic($0) }
        ).item()
        let (onReal, onFake) = withoutGradients { (critic(real).mean().item(), critic(fake).mean().item()) }
        trainer.trainDiscriminator(real: real, fake: fake)
        let means = try trainer.takeStatistics()
        #expect(penalty > 0.1)
        #expect(abs(means.discriminatorLoss - (onFake - onReal + penalty)) < 1e-4)
        #expect(abs(means.realScore - onReal) < 1e-5 && abs(means.fakeScore - onFake) < 1e-5)
    }

    /// Only a run with a penalty has a random stream for mix weights, and only such a run requires it to resume.
    @Test func onlyPenaltiesHaveAMixStream() throws {
        let names = try [("dcgan", []), ("wgan-gp", []), ("wgan-gp", ["gradientPenalty.weight=0"])].map {
            try AdversarialTrainer(recipe: try TinyRun.recipe($0, $1), seed: 0, precision: .fp32)
                .checkpoint().section("random").map(\.key)
        }
        #expect(names == [["latents"], ["latents", "mixWeights"], ["latents"]])
        let trainer = try AdversarialTrainer(recipe: try TinyRun.recipe("wgan-gp"), seed: 0, precision: .fp32)
        var state = trainer.checkpoint()
        state.tensors.removeAll { $0.key == "random.mixWeights" }
        let error = #expect(throws: CheckpointError.self) { try trainer.restore(state) }
        #expect("\(try #require(error))".contains("random.mixWeights: missing"))
    }
}
