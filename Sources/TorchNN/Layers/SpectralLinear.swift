import Torch

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
