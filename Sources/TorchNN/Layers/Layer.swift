import Torch

/// A module from one tensor to one tensor.
open class Layer: Module {
    /// Applies the layer; shapes in the subclass's comment.
    open func callAsFunction(_ input: Tensor) -> Tensor {
        fatalError("\(type(of: self)) does not implement callAsFunction")
    }

    /// Applies the layer as one part that is computed again in the backward pass, if that was asked for.
    public final func checkpointed(_ input: Tensor) -> Tensor {
        guard recomputesParts, isTraining else { return self(input) }
        return recomputed(input, parameters: trained) { [self] in self($0) }
    }

    /// The values that a gradient may flow to.
    final var trained: [Tensor] {
        parameters.map(\.parameter.value).filter(\.requiresGradient)
    }
}
