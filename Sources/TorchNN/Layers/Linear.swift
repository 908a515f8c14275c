import Torch

/// Affine map y = x W^T + b. Input [..., in], output [..., out].
public final class Linear: Layer {
    /// Weight W, [out, in].
    public let weight: Parameter
    /// Bias b, [out]; nil if the layer has none.
    public let bias: Parameter?
    private let initializer: Initializer

    /// Creates a layer for inputs [..., inputs].
    /// - Parameters:
    ///   - inputs: number of input features.
    ///   - outputs: number of output features.
    ///   - bias: whether the layer has a bias.
    ///   - initializer: initializer of the weight. With `.pytorch` the bias is uniform, otherwise zero.
    public init(_ inputs: Int, _ outputs: Int, bias: Bool = true, initializer: Initializer = .pytorch) {
        weight = Parameter(shape: [outputs, inputs])
        self.bias = bias ? Parameter(shape: [outputs]) : nil
        self.initializer = initializer
    }

    /// Applies the layer: [..., in] to [..., out].
    public override func callAsFunction(_ input: Tensor) -> Tensor {
        input.linear(weight: weight.value, bias: bias?.value)
    }

    /// Initializes weight and bias with the initializer of the layer.
    public override func initialize(_ random: RandomSource) {
        initializer.fill(weight: weight, bias: bias, random)
    }

    /// Sizes and options, for the description of the module.
    public override var details: String {
        "in \(weight.value.shape[1]), out \(weight.value.shape[0])\(bias == nil ? ", no bias" : "")"
    }
}

extension Initializer {
    /// Initializes weight and bias of a layer. `.pytorch` draws the bias uniformly within 1 / sqrt(fanIn), others
    /// set it to 0.
    func fill(weight: Parameter, bias: Parameter?, _ random: RandomSource) {
        fill(weight.value, random: random)
        guard let bias else { return }
        if self == .pytorch {
            let bound = 1 / Initializer.fans(weight.value.shape).fanIn.squareRoot()
            withoutGradients {
                Initializer.fillDense(bias.value) { $0.uniform_(-bound, bound, random: random) }
            }
        } else {
            Initializer.zeros.fill(bias.value, random: random)
        }
    }
}

/// Embedding: one learned vector per index. Input Int64 [...] in 0..<count, output [..., size].
public final class Embedding: Layer {
    /// Vectors, [count, size].
    public let weight: Parameter

    /// Creates `count` vectors of length `size`.
    public init(_ count: Int, _ size: Int) { weight = Parameter(shape: [count, size]) }

    /// Looks up vectors: Int64 [...] to [..., size].
    public override func callAsFunction(_ input: Tensor) -> Tensor { weight.value.embedding(input) }

    /// Draws the vectors from N(0, 1).
    public override func initialize(_ random: RandomSource) {
        Initializer.normal(deviation: 1).fill(weight.value, random: random)
    }

    /// Sizes and options, for the description of the module.
    public override var details: String { "\(weight.value.shape[0]) of \(weight.value.shape[1])" }
}
