import Models
import Torch
import TorchNN

// Layers with the gradients of input and weights, and optimizers.
extension SelfTest {
    /// Check of a layer: output, gradients of input and weights, and buffers.
    private static func layer(
        _ name: String, _ shape: [Int], _ make: @escaping @Sendable () -> Layer
    ) -> Check {
        module(name, make) { layer, inputs in
            let input = Tensor.normal(shape, random: inputs.random).to(inputs.device)
            return ([shape.count == 4 ? input.to(.channelsLast) : input], { layer($0[0]) })
        }
    }

    /// Check of a module: `call` returns the inputs and the function of them.
    private static func module<Network: Module>(
        _ name: String, _ make: @escaping @Sendable () -> Network,
        _ call: @escaping @Sendable (Network, Inputs) -> (inputs: [Tensor], function: ([Tensor]) -> Tensor)
    ) -> Check {
        Check(group: .layers, name: name) { inputs in
            let network = make()
            network.initialize(inputs.random)
            network.move(to: inputs.device, format: .channelsLast)
            let (given, function) = call(network, inputs)
            let weights = network.parameters.map(\.parameter.value)
            let leaves = given.map { $0.detached().requiringGradient() }
            let output = function(leaves)
            let seed = Tensor.normal(output.shape, random: inputs.random).to(inputs.device, output.dtype)
            let found = gradients(of: [output], wrt: leaves + weights, seeds: [seed])
            let names = leaves.indices.map { "input \($0)" } + network.parameters.map(\.key)
            return [("output", output)]
                + zip(names, found).compactMap { name, one in one.map { ("gradient of \(name)", $0) } }
                + network.buffers.map { ($0.key, $0.buffer.value) }
        }
    }

    /// Check of an optimizer: parameters and state after three steps.
    private static func optimizer(
        _ name: String, _ make: @escaping @Sendable ([(key: String, parameter: Parameter)]) -> any Optimizer
    ) -> Check {
        Check(group: .layers, name: name) { inputs in
            let network = Sequential(Conv2d(3, 8, kernel: 3), Conv2d(8, 2, kernel: 3))
            network.initialize(inputs.random)
            network.move(to: inputs.device, format: .channelsLast)
            let optimizer = make(network.parameters)
            for _ in 0..<3 {
                optimizer.step(
                    optimizer.parameters.map {
                        Tensor.normal($0.parameter.value.shape, random: inputs.random).to(inputs.device)
                    })
            }
            return network.state.map { ($0.key, $0.tensor) } + optimizer.state.map { ($0.key, $0.tensor) }
        }
    }

    static let layerChecks: [Check] = [
        layer("Linear", [6, 20]) { Linear(20, 30) },
        layer("Conv2d", [4, 8, 12, 12]) { Conv2d(8, 16, kernel: 4, stride: 2, padding: 1) },
        layer("Conv2d, grouped", [4, 16, 12, 12]) { Conv2d(16, 32, kernel: 3, padding: 1, groups: 4) },
        layer("ConvTranspose2d", [4, 16, 6, 6]) { ConvTranspose2d(16, 8, kernel: 4, stride: 2, padding: 1) },
        layer("RectangularConv2d", [4, 8, 12, 12]) {
            RectangularConv2d(8, 8, kernel: (1, 5), padding: (0, 2))
        },
        layer("EqualizedConv2d", [4, 8, 12, 12]) { EqualizedConv2d(8, 16, kernel: 3, padding: 1) },
        layer("EqualizedLinear", [6, 20]) { EqualizedLinear(20, 30) },
        layer("SpectralConv2d", [4, 8, 12, 12]) { SpectralConv2d(8, 16, kernel: 3, padding: 1) },
        layer("SpectralLinear", [6, 20]) { SpectralLinear(20, 30) },
        layer("BatchNorm2d", [8, 12, 6, 6]) { BatchNorm2d(12) },
        layer("GroupNorm", [4, 12, 6, 6]) { GroupNorm(3, 12) },
        layer("InstanceNorm2d", [4, 12, 6, 6]) { InstanceNorm2d(12, affine: true) },
        layer("LayerNorm", [4, 12, 6, 6]) { LayerNorm([12, 6, 6]) },
        layer("PixelNorm", [4, 12, 6, 6]) { PixelNorm() },
        layer("Upsample, nearest", [2, 4, 6, 6]) { Upsample() },
        layer("Upsample, bilinear", [2, 4, 6, 6]) { Upsample(mode: .bilinear) },
        layer("Downsample", [2, 4, 6, 6]) { Downsample() },
        layer("MaxPool2d", [2, 4, 7, 7]) { MaxPool2d(3, stride: 2, keepsRemainder: true) },
        layer("MinibatchStandardDeviation", [8, 6, 4, 4]) { MinibatchStandardDeviation() },
        layer("SelfAttention2d", [4, 16, 8, 8]) { SelfAttention2d(16) },
        layer("SelfAttention2d, spectral", [4, 16, 8, 8]) { SelfAttention2d(16, weights: .spectral) },
        layer("Sequential of DCGAN blocks", [8, 16, 8, 8]) {
            Sequential(
                ConvTranspose2d(16, 12, kernel: 4, stride: 2, padding: 1, bias: false), BatchNorm2d(12),
                Activation.relu(), ConvTranspose2d(12, 3, kernel: 4, stride: 2, padding: 1), Activation.tanh()
            )
        },
        layer("Sequential of critic blocks", [8, 3, 16, 16]) {
            Sequential(
                Conv2d(3, 12, kernel: 4, stride: 2, padding: 1), Activation.leakyReLU(),
                Conv2d(12, 16, kernel: 4, stride: 2, padding: 1, bias: false), BatchNorm2d(16),
                Activation.leakyReLU(),
                Conv2d(16, 1, kernel: 4))
        },
        module("ConditionalBatchNorm2d", { ConditionalBatchNorm2d(12, conditions: 5) }) { layer, inputs in
            let given = [inputs.normal(8, 12, 6, 6).to(.channelsLast), inputs.normal(8, 5)]
            return (given, { layer($0[0], $0[1]) })
        },
        optimizer("Adam") { Adam($0, learningRate: 1e-2) },
        optimizer("AdamW") { Adam($0, learningRate: 1e-2, weightDecay: 0.1, decoupled: true) },
        optimizer("AdaBelief") { AdaBelief($0, learningRate: 1e-2) },
        optimizer("RMSprop") { RMSprop($0, learningRate: 1e-2) },
        optimizer("SGD with momentum") { SGD($0, learningRate: 1e-2, momentum: 0.9, weightDecay: 0.1) },
    ]
}
