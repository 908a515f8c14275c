import Torch

/// Normalization over groups of channels (Wu and He 2018). Input and output [N, C, H, W].
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
        // The engine's kernel for channels-last maps takes a variance as a difference of squares: gradients of a penalty were
        // fifty times as far from double precision as by the other kernel.
        let isLast = input.rank == 4 && !input.isContiguous() && input.isContiguous(.channelsLast)
        let result = input.contiguous()
            .groupNorm(groups: groups, weight: weight?.value, bias: bias?.value, epsilon: epsilon)
        return isLast ? result.to(.channelsLast) : result
    }

    public override var details: String { "\(groups) groups" }
}

/// Normalization of each channel of each picture (Ulyanov et al. 2016). Input and output [N, C, H, W].
public final class InstanceNorm2d: Layer {
    public let weight: Parameter?
    public let bias: Parameter?
    private let channels: Int
    private let epsilon: Double

    public init(_ channels: Int, affine: Bool = false, epsilon: Double = 1e-5) {
        weight = affine ? Parameter(onesOf: [channels]) : nil
        bias = affine ? Parameter(shape: [channels]) : nil
        (self.channels, self.epsilon) = (channels, epsilon)
    }

    public override func callAsFunction(_ input: Tensor) -> Tensor {
        input.instanceNorm(weight: weight?.value, bias: bias?.value, epsilon: epsilon)
    }

    public override var details: String { "\(channels)" }
}

/// Normalization over the last dimensions (Ba et al. 2016). Input and output [..., shape].
public final class LayerNorm: Layer {
    public let weight: Parameter?
    public let bias: Parameter?
    private let shape: [Int]
    private let epsilon: Double

    public init(_ shape: [Int], affine: Bool = true, epsilon: Double = 1e-5) {
        weight = affine ? Parameter(onesOf: shape) : nil
        bias = affine ? Parameter(shape: shape) : nil
        (self.shape, self.epsilon) = (shape, epsilon)
    }

    public override func callAsFunction(_ input: Tensor) -> Tensor {
        input.layerNorm(shape: shape, weight: weight?.value, bias: bias?.value, epsilon: epsilon)
    }

    public override var details: String { "\(shape)" }
}

/// Each pixel's channels scaled to unit mean square (Karras et al. 2018, section 4.2). Input and output [N, C, ...].
public final class PixelNorm: Layer {
    private let epsilon: Double

    public init(epsilon: Double = 1e-8) { self.epsilon = epsilon }

    public override func callAsFunction(_ input: Tensor) -> Tensor {
        input * (input.square().mean([1], keep: true) + epsilon).rsqrt()
    }
}
