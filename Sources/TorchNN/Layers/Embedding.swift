import Torch

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
