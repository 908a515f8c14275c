import Torch

/// Layers one after the other; keys are their indices.
public final class Sequential: Layer {
    public let layers: [Layer]

    public init(_ layers: [Layer]) { self.layers = layers }

    public convenience init(_ layers: Layer...) { self.init(layers) }

    public override var parts: [(key: String, part: Part)] {
        layers.enumerated().map { ("\($0)", .module($1)) }
    }

    public override func callAsFunction(_ input: Tensor) -> Tensor {
        var value = input
        for layer in layers { value = layer(value) }
        return value
    }
}
