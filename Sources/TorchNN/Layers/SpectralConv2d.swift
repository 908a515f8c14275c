import Torch

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
