import Torch

/// A module from one tensor to one tensor.
open class Layer: Module {
    /// Applies the layer; shapes in the subclass's comment.
    open func callAsFunction(_ input: Tensor) -> Tensor {
        fatalError("\(type(of: self)) does not implement callAsFunction")
    }
}
