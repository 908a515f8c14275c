import Torch

/// y = x wT + b. Input [..., in], output [..., out].
public final class Linear: Layer {
    /// [out, in].
    public let weight: Parameter
    /// [out].
    public let bias: Parameter?
    private let initializer: Initializer

    /// - Parameter initializer: of the weight. The default is PyTorch's; then the bias is uniform too, else zero.
    public init(_ inputs: Int, _ outputs: Int, bias: Bool = true, initializer: Initializer = .pytorch) {
        weight = Parameter(shape: [outputs, inputs])
        self.bias = bias ? Parameter(shape: [outputs]) : nil
        self.initializer = initializer
    }

    public override func callAsFunction(_ input: Tensor) -> Tensor {
        input.linear(weight: weight.value, bias: bias?.value)
    }

    public override func initialize(_ random: RandomSource) {
        initializer.fill(weight: weight, bias: bias, random)
    }

    public override var details: String {
        "in \(weight.value.shape[1]), out \(weight.value.shape[0])\(bias == nil ? ", no bias" : "")"
    }
}

extension Initializer {
    /// Weight and bias of a layer; PyTorch's initializer draws the bias within 1 / sqrt(fanIn), others set it to zero.
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

/// A learned vector for each of `count` kinds. Input Int64 [...], output [..., size].
public final class Embedding: Layer {
    /// [count, size].
    public let weight: Parameter

    public init(_ count: Int, _ size: Int) { weight = Parameter(shape: [count, size]) }

    public override func callAsFunction(_ input: Tensor) -> Tensor { weight.value.embedding(input) }

    public override func initialize(_ random: RandomSource) {
        Initializer.normal(deviation: 1).fill(weight.value, random: random)
    }

    public override var details: String { "\(weight.value.shape[0]) of \(weight.value.shape[1])" }
}
