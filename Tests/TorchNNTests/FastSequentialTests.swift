import TestSupport
import Testing
import Torch
import TorchNN

/// What is done in fewer operators gives what the operators one by one give in float64.
@Suite struct FastSequentialTests {
    private static func network() -> Sequential {
        let network = Sequential(
            Conv2d(3, 32, kernel: 4, stride: 2, padding: 1, bias: false), Activation.leakyReLU(0.2),
            Conv2d(32, 64, kernel: 4, stride: 2, padding: 1, bias: false), BatchNorm2d(64, deviation: 0.1),
            Activation.leakyReLU(0.2), Conv2d(64, 64, kernel: 3, padding: 1, bias: false),
            BatchNorm2d(64, deviation: 0.1),
            Activation.leakyReLU(0.1),
            ConvTranspose2d(64, 32, kernel: 4, stride: 2, padding: 1, bias: false), BatchNorm2d(32),
            Activation.relu(), Conv2d(32, 32, kernel: 3, padding: 1, bias: false), BatchNorm2d(32),
            Activation.relu(),
            ConvTranspose2d(32, 16, kernel: 4, stride: 2, padding: 1, bias: false), BatchNorm2d(16),
            Conv2d(16, 32, kernel: 3, padding: 1, bias: false), BatchNorm2d(32), Activation.relu(),
            ConvTranspose2d(32, 3, kernel: 4, stride: 2, padding: 1), Activation.tanh())
        network.initialize(RandomSource(seed: 3))
        network.move(to: .cpu, format: .channelsLast)
        return network
    }

    private static func input() -> Tensor {
        (Tensor.normal([6, 3, 16, 16], random: RandomSource(seed: 4)) + 0.3).to(.channelsLast)
    }

    private func error(_ a: Tensor, _ b: Tensor) -> Double {
        let (a, b) = (a.detached().to(.float64), b.detached().to(.float64))
        return (a - b).norm().item() / b.norm().item()
    }

    private struct Results {
        let output: Tensor
        let gradients: [Tensor?]
        let state: [(key: String, tensor: Tensor)]
    }

    private func train(_ kernels: Kernels, penalized: Bool) throws -> Results {
        let network = Self.network()
        let weights = network.parameters.map(\.parameter.value)
        return try withKernels(kernels) {
            let input = Self.input().requiringGradient()
            let output = network(input)
            var loss = output.square().sum()
            if penalized {
                let first = try #require(gradients(of: [loss], wrt: [input], createGraph: true)[0])
                loss = first.square().sum()
            }
            return Results(
                output: output, gradients: gradients(of: [loss], wrt: weights), state: network.state)
        }
    }

    /// - Parameter penalized: with gradients of gradients.
    @Test(arguments: [false, true]) func trainsAsLayersOneByOne(penalized: Bool) throws {
        let (fast, plain) = (
            try train(.fast, penalized: penalized), try train(.plain, penalized: penalized)
        )
        #expect(error(fast.output, plain.output) < 1e-5)
        for (index, (a, b)) in zip(fast.gradients, plain.gradients).enumerated() {
            guard let a, let b else {
                #expect((a == nil) == (b == nil), "gradient \(index)")
                continue
            }
            // A bias before a normalization has no effect: its gradient is what rounding leaves.
            if b.norm().item() > 1e-3 { #expect(error(a, b) < 1e-4, "gradient \(index)") }
        }
        for ((key, a), (_, b)) in zip(fast.state, plain.state) {
            #expect(a.shape == b.shape && (a - b).abs().to(.float32).max().item() < 1e-5, "\(key)")
        }
    }

    @Test func isUsedFolded() {
        let network = Self.network()
        let before = network(Self.input())
        network.train(false)
        withoutGradients {
            let plain = withKernels(.plain) { network(Self.input()) }
            let folded = FoldedSequential(network)
            #expect(error(folded(Self.input()), plain) < 1e-6)
            #expect(error(before, plain) > 1e-2, "running statistics are not the batch's")
            let rounded = withAutocast(.bfloat16, on: .cpu) { folded(Self.input()) }
            #expect(rounded.dtype == .bfloat16 && error(rounded, plain) < 0.02)
            // It keeps the values of when it was made.
            network.parameters[0].parameter.value.zero_()
            #expect(error(folded(Self.input()), plain) < 1e-6)
        }
    }
}
