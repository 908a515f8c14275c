import Torch

/// Normalisation over groups of channels (Wu and He 2018). Input and output [N, C, H, W].
public final class GroupNorm: Layer {
    public let weight: Parameter?
    public let bias: Parameter?
    private let groups: Int
    private let epsilon: Double

    public init(_ groups: Int, _ channels: Int, affine: Bool = true, epsilon: Double = 1e-5) {
        require(
            channels % groups == 0, "GroupNorm: \(channels) channels do not divide by \(groups) groups")
        weight = affine ? Parameter(onesOf: [channels]) : nil
        bias = affine ? Parameter(shape: [channels]) : nil
        (self.groups, self.epsilon) = (groups, epsilon)
    }

    public override func callAsFunction(_ input: Tensor) -> Tensor {
        input.groupNorm(groups: groups, weight: weight?.value, bias: bias?.value, epsilon: epsilon)
    }

    public override var details: String { "\(groups) groups" }
}
