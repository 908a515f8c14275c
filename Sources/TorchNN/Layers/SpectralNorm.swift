import Torch

/// Spectral normalization (Miyato et al. 2018, algorithm 1): a weight over its largest singular value, which a power
/// iteration follows, one step with each forward pass in training.
///
/// Layers keep `weightOrig`, `weightU` and `weightV` under the keys that `torch.nn.utils.spectral_norm` gives them. Every
/// pass in training moves u and v, as there; a pass that is computed again takes them as they are, so its tape must be
/// used before the next pass. Two passes with one weight: join the pictures, or switch one of them to use.
enum SpectralNorm {
    /// Steps from a random vector to a start that is good enough for the first pass.
    private static let firstSteps = 15
    private static let epsilon = 1e-12

    /// - Parameters:
    ///   - weight: [out, ...], read as the matrix [out, rest].
    ///   - u: left singular vector, [out]; moved in place.
    ///   - v: right singular vector, [rest]; moved in place.
    /// - Returns: weight / (u · W v), where u and v are constants.
    static func normalized(_ weight: Tensor, _ u: Buffer, _ v: Buffer, isTraining: Bool) -> Tensor {
        // Single precision: the norm of all outputs hangs on one number.
        withAutocast(.float32, on: weight.device) {
            if isTraining, !Recompute.isActive { iterate(weight, u, v, steps: 1) }
            // The tape keeps copies, so that the next pass may move u and v before it is used.
            let (left, right) = withoutGradients { (u.value.cloned(), v.value.cloned()) }
            let matrix = weight.flattened(from: 1)
            return weight / (left * matrix.matmul(right)).sum()
        }
    }

    /// Draws u and follows the weight as it is now.
    static func initialize(_ weight: Tensor, _ u: Buffer, _ v: Buffer, _ random: RandomSource) {
        Initializer.normal(deviation: 1).fill(u.value, random: random)
        iterate(weight, u, v, steps: firstSteps)
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

    /// A unit vector to have one before the first draw.
    static func start(_ count: Int) -> Buffer {
        Buffer(Tensor.full([count], 1 / Double(count).squareRoot()))
    }
}

/// Convolution whose weight is spectrally normalized; see `SpectralNorm`. Shapes as in `Conv2d`.
public final class SpectralConv2d: Layer, WeightedConvolution {
    /// [out].
    public let bias: Parameter?
    /// What is trained, [out, in, kernel, kernel]; the layer's weight is this over its largest singular value.
    public let weightOrig: Parameter
    /// Left singular vector, [out].
    public let weightU: Buffer
    /// Right singular vector, [in kernel kernel].
    public let weightV: Buffer
    public let stride: Int
    public let padding: Int
    private let initializer: Initializer

    public init(
        _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0, bias: Bool = true,
        initializer: Initializer = .pytorch
    ) {
        self.bias = bias ? Parameter(shape: [outputs]) : nil
        weightOrig = Parameter(shape: [outputs, inputs, kernel, kernel])
        weightU = SpectralNorm.start(outputs)
        weightV = SpectralNorm.start(inputs * kernel * kernel)
        (self.stride, self.padding, self.initializer) = (stride, padding, initializer)
    }

    public override func callAsFunction(_ input: Tensor) -> Tensor {
        let (weight, bias) = used()
        return input.conv2d(weight: weight, bias: bias, stride: stride, padding: padding)
    }

    /// In training, this is the pass that moves the singular vectors.
    public func used() -> (weight: Tensor, bias: Tensor?) {
        (SpectralNorm.normalized(weightOrig.value, weightU, weightV, isTraining: isTraining), bias?.value)
    }

    public override func initialize(_ random: RandomSource) {
        initializer.fill(weight: weightOrig, bias: bias, random)
        SpectralNorm.initialize(weightOrig.value, weightU, weightV, random)
    }

    public override var details: String {
        let shape = weightOrig.value.shape
        return
            "in \(shape[1]), out \(shape[0]), kernel \(shape[2]), stride \(stride), padding \(padding)"
            + (bias == nil ? ", no bias" : "")
    }
}

/// `Linear` whose weight is spectrally normalized; see `SpectralNorm`. Input [..., in], output [..., out].
public final class SpectralLinear: Layer {
    /// [out].
    public let bias: Parameter?
    /// What is trained, [out, in]; the layer's weight is this over its largest singular value.
    public let weightOrig: Parameter
    /// Left singular vector, [out].
    public let weightU: Buffer
    /// Right singular vector, [in].
    public let weightV: Buffer
    private let initializer: Initializer

    public init(_ inputs: Int, _ outputs: Int, bias: Bool = true, initializer: Initializer = .pytorch) {
        self.bias = bias ? Parameter(shape: [outputs]) : nil
        weightOrig = Parameter(shape: [outputs, inputs])
        weightU = SpectralNorm.start(outputs)
        weightV = SpectralNorm.start(inputs)
        self.initializer = initializer
    }

    public override func callAsFunction(_ input: Tensor) -> Tensor {
        let weight = SpectralNorm.normalized(weightOrig.value, weightU, weightV, isTraining: isTraining)
        return input.linear(weight: weight, bias: bias?.value)
    }

    public override func initialize(_ random: RandomSource) {
        initializer.fill(weight: weightOrig, bias: bias, random)
        SpectralNorm.initialize(weightOrig.value, weightU, weightV, random)
    }

    public override var details: String {
        let shape = weightOrig.value.shape
        return "in \(shape[1]), out \(shape[0])\(bias == nil ? ", no bias" : "")"
    }
}
