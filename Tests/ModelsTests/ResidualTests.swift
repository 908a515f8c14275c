import Models
import Objectives
import Testing
import Torch
import TorchNN

/// Properties of the residual networks. ParityTests compare them with PyTorch.
@Suite struct ResidualTests {
    private let random = RandomSource(seed: 5)

    private func critic(
        filters: Int = 4, resolution: Int = 16, normalization: ResidualSettings.Normalization = .none
    ) -> ResidualCritic {
        var settings = ResidualSettings()
        (settings.filters, settings.normalization) = (filters, normalization)
        let critic = ResidualCritic(settings, resolution: resolution)
        critic.initialize(random)
        critic.move(to: .cpu, format: .channelsLast)
        return critic
    }

    /// A logit depends on its own picture only, so real and generated pictures may share a batch.
    @Test(arguments: ResidualSettings.Normalization.allCases)
    func logitsDoNotDependOnTheBatch(normalization: ResidualSettings.Normalization) {
        let critic = critic(normalization: normalization)
        #expect(!critic.usesBatchStatistics)
        let images = Tensor.uniform([6, 3, 16, 16], -1, 1, random: random)
        let batched = withoutGradients { critic(images) }.floats()
        for index in 0..<6 {
            let alone = withoutGradients { critic(images[index..<(index + 1)]) }.floats()[0]
            #expect(abs(alone - batched[index]) < 1e-5 * max(1, abs(alone)))
        }
    }

    @Test func batchStatisticsAreReported() {
        let (dcgan, dense) = (DCGANDiscriminator(resolution: 16), DenseDCGANDiscriminator(resolution: 16))
        #expect(dcgan.usesBatchStatistics && dense.usesBatchStatistics)
    }

    /// 64 filters, so that tiled kernels are used if the processor has them.
    @Test(arguments: ResidualSettings.Normalization.allCases)
    func kernelsGiveEqualPenalties(normalization: ResidualSettings.Normalization) throws {
        let critic = critic(filters: 64, resolution: 16, normalization: normalization)
        let real = Tensor.uniform([4, 3, 16, 16], -1, 1, random: random)
        let fake = Tensor.uniform([4, 3, 16, 16], -1, 1, random: random)
        let share = Tensor.uniform([4, 1, 1, 1], random: random)
        let weights = critic.parameters
        func penalties(_ kernels: Kernels) -> [Tensor] {
            withKernels(kernels) {
                let penalty = GradientPenalty(weight: 10)(
                    real: real, fake: fake, share: share, critic: { critic($0) })
                return [penalty]
                    + gradients(of: [penalty], wrt: weights.map(\.parameter.value)).enumerated().map {
                        $1 ?? Tensor.zeros(like: weights[$0].parameter.value)
                    }
            }
        }
        let names = ["penalty"] + weights.map(\.key)
        for (name, (fast, plain)) in zip(names, zip(penalties(.fast), penalties(.plain))) {
            let largest = plain.abs().max().item()
            let difference = (fast - plain).abs().max().item()
            #expect(difference <= 1e-4 * largest, "\(name) differs by \(difference) of \(largest)")
        }
    }

    /// The rectifier propagates NaN, so that divergence is detected.
    @Test func nanIsPropagated() {
        let images = Tensor.full([1, 3, 16, 16], .nan)
        #expect(withoutGradients { critic()(images) }.item().isNaN)
    }

    /// Logits of a critic are computed in single precision.
    @Test func logitsAreSinglePrecisionUnderAutocast() {
        let critic = critic()
        let images = Tensor.uniform([8, 3, 16, 16], -1, 1, random: random)
        let (mixed, full) = withoutGradients {
            (withAutocast(.bfloat16, on: .cpu) { critic(images) }, critic(images))
        }
        #expect(mixed.dtype == .float32)
        #expect(mixed.floats() != mixed.to(.bfloat16).to(.float32).floats())
        #expect((mixed - full).abs().max().item() < 0.05 * full.abs().max().item())
    }
}
