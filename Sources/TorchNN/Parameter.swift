import Torch

/// A tensor that is trained and saved. A stored `Tensor` never is; only this type counts.
public final class Parameter {
    /// A leaf that collects gradients.
    public internal(set) var value: Tensor

    public init(_ value: Tensor) { self.value = value.detached().contiguous().requiringGradient() }

    /// Zeros of a shape.
    public convenience init(shape: [Int]) { self.init(Tensor.zeros(shape)) }

    /// Ones of a shape.
    public convenience init(onesOf shape: [Int]) { self.init(Tensor.ones(shape)) }

    /// Whether it is saved but not trained for now: no gradient flows to it.
    public var isFrozen: Bool {
        get { !value.requiresGradient }
        set { value.requiringGradient(!newValue) }
    }
}
