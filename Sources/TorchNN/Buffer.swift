import Torch

/// A tensor that is saved but not trained, such as running statistics.
public final class Buffer {
    public internal(set) var value: Tensor

    public init(_ value: Tensor) { self.value = value.detached() }
}
