import Torch

/// Spectral normalization (Miyato et al. 2018, algorithm 1): division of a weight by its largest singular value.
///
/// A power iteration estimates the singular value, with one step per forward pass in training mode. The keys
/// `weight_orig`, `weight_u` and `weight_v` are those of `torch.nn.utils.spectral_norm`. A recomputed pass uses u and v
/// as they are, so its backward pass must precede the next forward pass. For two passes with the same weight,
/// concatenate the images or set evaluation mode for one of the passes.
enum SpectralNorm {
    /// Steps of the power iteration at initialization, so that the estimate is accurate in the first pass.
    private static let initialSteps = 15
    private static let epsilon = 1e-12

    /// Normalized weight.
    /// - Parameters:
    ///   - weight: [out, ...], treated as a matrix W [out, rest].
    ///   - u: left singular vector, [out]; updated in place in training mode.
    ///   - v: right singular vector, [rest]; updated in place in training mode.
    /// - Returns: weight / (u · W v), of the shape of `weight`; u and v are constants for autograd.
    static func normalized(_ weight: Tensor, _ u: Buffer, _ v: Buffer, isTraining: Bool) -> Tensor {
        // Single precision, because an error of this number scales all outputs.
        withAutocast(.float32, on: weight.device) {
            if isTraining, !Recompute.isActive { iterate(weight, u, v, steps: 1) }
            // The tape stores copies, so that the next pass may update u and v before the backward pass.
            let (left, right) = withoutGradients { (u.value.cloned(), v.value.cloned()) }
            let matrix = weight.flattened(from: 1)
            return weight / (left * matrix.matmul(right)).sum()
        }
    }

    /// Draws u [out] at random and iterates with the current weight [out, ...].
    static func initialize(_ weight: Tensor, _ u: Buffer, _ v: Buffer, _ random: RandomSource) {
        Initializer.normal(deviation: 1).fill(u.value, random: random)
        iterate(weight, u, v, steps: initialSteps)
    }

    private static func iterate(_ weight: Tensor, _ u: Buffer, _ v: Buffer, steps: Int) {
        withoutGradients {
            let matrix = weight.detached().flattened(from: 1)
            for _ in 0..<steps {
                v.value.copy_(unit(matrix.transposed(0, 1).matmul(u.value)))
                u.value.copy_(unit(matrix.matmul(v.value)))
            }
        }
    }

    private static func unit(_ vector: Tensor) -> Tensor { vector / vector.norm().clampedBelow(epsilon) }

    /// Constant unit vector [count], the value before initialization.
    static func placeholder(_ count: Int) -> Buffer {
        Buffer(Tensor.full([count], 1 / Double(count).squareRoot()))
    }
}

/// Convolution with spectral normalization (Miyato et al. 2018). Shapes as in `Conv2d`.
///
/// Each forward pass in training mode performs one step of the power iteration.
public final class SpectralConv2d: Layer, WeightedConvolution {
    /// Bias, [out]; nil if the layer has none.
    public let bias: Parameter?
    /// Weight before normalization, [out, in, kernel, kernel].
    public let weightOrig: Parameter
    /// Left singular vector, [out].
    public let weightU: Buffer
    /// Right singular vector, [in * kernel * kernel].
    public let weightV: Buffer
    /// Step of the kernel in pixels.
    public let stride: Int
    /// Zeros added on each side, in pixels.
    public let padding: Int
    private let initializer: Initializer

    /// Creates a layer for images [N, inputs, H, W].
    /// - Parameters:
    ///   - inputs: number of input channels.
    ///   - outputs: number of output channels.
    ///   - kernel: side of the kernel in pixels.
    ///   - stride: step of the kernel in pixels.
    ///   - padding: zeros added on each side, in pixels.
    ///   - bias: whether the layer has a bias.
    ///   - initializer: initializer of the weight. With `.pytorch` the bias is uniform, otherwise zero.
    public init(
        _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0, bias: Bool = true,
        initializer: Initializer = .pytorch
    ) {
        self.bias = bias ? Parameter(shape: [outputs]) : nil
        weightOrig = Parameter(shape: [outputs, inputs, kernel, kernel])
        weightU = SpectralNorm.placeholder(outputs)
        weightV = SpectralNorm.placeholder(inputs * kernel * kernel)
        (self.stride, self.padding, self.initializer) = (stride, padding, initializer)
    }

    /// Applies the convolution: [N, in, H, W] to [N, out, (H + 2 padding - kernel) / stride + 1, ...].
    public override func callAsFunction(_ input: Tensor) -> Tensor {
        let (weight, bias) = effectiveWeights()
        return input.conv2d(weight: weight, bias: bias, stride: stride, padding: padding)
    }

    /// Normalized weight [out, in, kernel, kernel] and bias [out]. In training mode this updates the singular vectors.
    public func effectiveWeights() -> (weight: Tensor, bias: Tensor?) {
        (SpectralNorm.normalized(weightOrig.value, weightU, weightV, isTraining: isTraining), bias?.value)
    }

    /// Initializes weight and bias, and the singular vectors for this weight.
    public override func initialize(_ random: RandomSource) {
        initializer.fill(weight: weightOrig, bias: bias, random)
        SpectralNorm.initialize(weightOrig.value, weightU, weightV, random)
    }

    /// Sizes and options, for the description of the module.
    public override var details: String {
        let shape = weightOrig.value.shape
        return
            "in \(shape[1]), out \(shape[0]), kernel \(shape[2]), stride \(stride), padding \(padding)"
            + (bias == nil ? ", no bias" : "")
    }
}

/// `Linear` with spectral normalization (Miyato et al. 2018). Input [..., in], output [..., out].
///
/// Each forward pass in training mode performs one step of the power iteration.
public final class SpectralLinear: Layer {
    /// Bias, [out]; nil if the layer has none.
    public let bias: Parameter?
    /// Weight before normalization, [out, in].
    public let weightOrig: Parameter
    /// Left singular vector, [out].
    public let weightU: Buffer
    /// Right singular vector, [in].
    public let weightV: Buffer
    private let initializer: Initializer

    /// Creates a layer for inputs [..., inputs].
    /// - Parameters:
    ///   - inputs: number of input features.
    ///   - outputs: number of output features.
    ///   - bias: whether the layer has a bias.
    ///   - initializer: initializer of the weight. With `.pytorch` the bias is uniform, otherwise zero.
    public init(_ inputs: Int, _ outputs: Int, bias: Bool = true, initializer: Initializer = .pytorch) {
        self.bias = bias ? Parameter(shape: [outputs]) : nil
        weightOrig = Parameter(shape: [outputs, inputs])
        weightU = SpectralNorm.placeholder(outputs)
        weightV = SpectralNorm.placeholder(inputs)
        self.initializer = initializer
    }

    /// Applies the layer: [..., in] to [..., out].
    public override func callAsFunction(_ input: Tensor) -> Tensor {
        let weight = SpectralNorm.normalized(weightOrig.value, weightU, weightV, isTraining: isTraining)
        return input.linear(weight: weight, bias: bias?.value)
    }

    /// Initializes weight and bias, and the singular vectors for this weight.
    public override func initialize(_ random: RandomSource) {
        initializer.fill(weight: weightOrig, bias: bias, random)
        SpectralNorm.initialize(weightOrig.value, weightU, weightV, random)
    }

    /// Sizes and options, for the description of the module.
    public override var details: String {
        let shape = weightOrig.value.shape
        return "in \(shape[1]), out \(shape[0])\(bias == nil ? ", no bias" : "")"
    }
}
