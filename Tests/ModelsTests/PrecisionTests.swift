import Models
import Testing
import Torch
import TorchNN

/// What a whole network loses to bfloat16 with products over tiles, against the engine's own convolution in bfloat16.
@Suite struct PrecisionTests {
    /// Gradients of DCGAN-64 at its own width; of the rounded ones, both are against float32.
    @Test func gradientsAreAboutAsFar() throws {
        let random = RandomSource(seed: 3)
        let (generator, discriminator) = (DCGANGenerator(), DCGANDiscriminator())
        for network in [generator, discriminator] as [Module] { network.initialize(random) }
        let latents = Latents(Tensor.normal([16, 100], random: random))
        let weights = (generator.parameters + discriminator.parameters).map(\.parameter.value)
        func found(_ kernels: Kernels, _ rounds: Bool) throws -> [Tensor] {
            func loss() -> Tensor {
                let logits = discriminator(generator(latents), labels: nil).logits
                return logits.to(.float32).square().mean()
            }
            return try withKernels(kernels) {
                let value = rounds ? withAutocast(.bfloat16, on: .cpu) { loss() } : loss()
                return try gradients(of: [value], wrt: weights).map { try #require($0) }
            }
        }
        /// |a - b| / |b| over all weights.
        func error(_ some: [Tensor], _ exact: [Tensor]) -> Double {
            let pairs = zip(some, exact).map { ($0.flattened(), $1.flattened()) }
            let difference = Tensor.concatenated(pairs.map { $0 - $1 }).norm().item()
            return difference / Tensor.concatenated(pairs.map(\.1)).norm().item()
        }
        let exact = try found(.plain, false)
        let (plain, fast) = (error(try found(.plain, true), exact), error(try found(.fast, true), exact))
        #expect(fast < 2 * plain, "\(fast), the engine \(plain)")
    }
}
