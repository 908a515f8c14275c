import Objectives
import Testing
import Torch

/// Path length regularization against analytic results and central differences.
@Suite struct PathLengthTests {
    private let random = RandomSource(seed: 5)

    /// For images = A w, the Jacobian is A, and the lengths are the norms of A^T y / sqrt(H W).
    @Test func linearGeneratorsHaveAnalyticLengths() throws {
        let (count, width, side) = (3, 5, 4)
        let matrix = Tensor.normal([width, 3 * side * side], random: random).to(.float64)
        let noise = Tensor.normal([count, 3, side, side], random: random).to(.float64)
        let expected = noise.reshape([count, -1]).matmul(matrix.transposed(0, 1)).norm([1]) / Double(side)

        let w = Tensor.normal([count, width], random: random).to(.float64).requiringGradient()
        let images = w.matmul(matrix).reshape([count, 3, side, side])
        let lengths = PathLengthPenalty.lengths(w: w, images: images, noise: noise)
        #expect((lengths - expected).abs().max().item() < 1e-12)

        // w+ with L equal rows, each weighted by 1 / L: every row has a gradient of 1 / L.
        let layers = 4
        let plus = w.detached().unsqueezed(1).expanded(to: [count, layers, width]).contiguous()
            .requiringGradient()
        let layerImages = plus.mean([1]).matmul(matrix).reshape([count, 3, side, side])
        let ofPlus = PathLengthPenalty.lengths(w: plus, images: layerImages, noise: noise)
        #expect((ofPlus - expected / Double(layers)).abs().max().item() < 1e-12)
    }

    /// The penalty is the weighted mean squared distance from the moving average after its update.
    @Test func penaltyUsesTheUpdatedAverage() throws {
        let settings = PathLengthPenalty(weight: 2, every: 4)
        let regularizer = try #require(settings.regularizer(on: .cpu))
        #expect(regularizer.interval == 4 && regularizer.state.map(\.key) == ["mean"])
        let matrix = Tensor.normal([6, 3 * 16], random: random)
        var mean = 0.0
        for seed in 1..<4 {
            let latents = Tensor.normal([8, 6], random: RandomSource(seed: UInt64(10 + seed)))
            func generate(_ count: Int) -> (w: Tensor, images: Tensor) {
                let w = latents[0..<count].requiringGradient()
                return (w, w.square().matmul(matrix).reshape([count, 3, 4, 4]))
            }
            let value = regularizer.loss(
                GeneratorContext(
                    count: 8, random: RandomSource(seed: UInt64(seed)), generate: generate)
            ).item()
            // Half of the batch. d images / d w is 2 w times the matrix, row by row.
            let noise = Tensor.normal([4, 3, 4, 4], random: RandomSource(seed: UInt64(seed)))
            let w = latents[0..<4]
            let gradient = noise.reshape([4, -1]).matmul(matrix.transposed(0, 1)) * w * 2 / 4.0
            let lengths = gradient.norm([1]).doubles()
            mean += 0.01 * (lengths.reduce(0, +) / 4 - mean)
            let expected = 2 * lengths.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / 4
            #expect(abs(value - expected) < 1e-4 * expected, "\(value), expected \(expected)")
        }
        #expect(abs(regularizer.state[0].tensor.item() - mean) < 1e-5)
    }

    /// Gradients reach the weights of the generator.
    @Test func lengthsHaveSecondDerivatives() {
        let weight = Tensor.normal([5, 48], random: random).to(.float64).requiringGradient()
        let noise = Tensor.normal([2, 3, 4, 4], random: random).to(.float64)
        let z = Tensor.normal([2, 5], random: random).to(.float64)
        Differences.expectFirst(wrt: [weight], "path length") {
            let w = z.detached().requiringGradient()
            let images = (w.matmul(weight)).tanh().reshape([2, 3, 4, 4])
            return PathLengthPenalty.lengths(w: w, images: images, noise: noise).sum()
        }
    }
}
