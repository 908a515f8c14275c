import Torch

/// A convolution over pictures whose weight may follow from what is trained.
public protocol WeightedConvolution: Layer {
    /// Weight [out, in, kernel, kernel] and bias [out] of this pass.
    func used() -> (weight: Tensor, bias: Tensor?)
}

extension Conv2d: WeightedConvolution {
    public func used() -> (weight: Tensor, bias: Tensor?) { (weight.value, bias?.value) }
}
