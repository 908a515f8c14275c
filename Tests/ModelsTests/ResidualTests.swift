import Models
import Objectives
import Testing
import Torch
import TorchNN

/// What is particular about the residual networks; ParityTests compare them with PyTorch.
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

    /// One number for each picture, whatever its neighbors are: so that both kinds may share a batch.
    @Test(arguments: ResidualSettings.Normalization.allCases)
    func logitsDoNotDependOnTheBatch(normalization: ResidualSettings.Normalization) {
        let critic = critic(normalization: normalization)
        #expect(!critic.usesBatchStatistics)
        let images = Tensor.uniform([6, 3, 16, 16], -1, 1, random: random)
        let together = withoutGradients { critic(images) }.floats()
        for index in 0..<6 {
            let alone = withoutGradients { critic(images[index..<(index + 1)]) }.floats()[0]
            #expect(abs(alone - together[index]) < 1e-5 * max(1, abs(alone)))
        }
    }

    @Test func discriminatorsWithBatchStatisticsSaySo() {
        let (dcgan, dense) = (DCGANDiscriminator(resolution: 16), DenseDCGANDiscriminator(resolution: 16))
        #expect(dcgan.usesBatchStatistics && dense.usesBatchStatistics)
    }

    /// 64 filters, so that the products over tiles are taken where the machine has them.
    @Test(arguments: ResidualSettings.Normalization.allCases)
    func bothKernelsPunishAlike(normalization: ResidualSettings.Normalization) throws {
        let critic = critic(filters: 64, resolution: 16, normalization: normalization)
        let real = Tensor.uniform([4, 3, 16, 16], -1, 1, random: random)
        let fake = Tensor.uniform([4, 3, 16, 16], -1, 1, random: random)
        let share = Tensor.uniform([4, 1, 1, 1], random: random)
        let weights = critic.parameters
        func punish(_ kernels: Kernels) -> [Tensor] {
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
        for (name, (fast, plain)) in zip(names, zip(punish(.fast), punish(.plain))) {
            let largest = plain.abs().max().item()
            let difference = (fast - plain).abs().max().item()
            #expect(difference <= 1e-4 * largest, "\(name) differs by \(difference) of \(largest)")
        }
    }

    /// What stands for a ReLU hides no NaN, so that a run that diverges is seen to.
    @Test func aNaNIsPassedOn() {
        let images = Tensor.full([1, 3, 16, 16], .nan)
        #expect(withoutGradients { critic()(images) }.item().isNaN)
    }

    /// Logits of a critic are not rounded to 8 bits.
    @Test func logitsAreFloatsUnderAutocast() {
        let critic = critic()
        let images = Tensor.uniform([8, 3, 16, 16], -1, 1, random: random)
        let (rough, fine) = withoutGradients {
            (withAutocast(.bfloat16, on: .cpu) { critic(images) }, critic(images))
        }
        #expect(rough.dtype == .float32)
        #expect(rough.floats() != rough.to(.bfloat16).to(.float32).floats())
        #expect((rough - fine).abs().max().item() < 0.05 * fine.abs().max().item())
    }
}
