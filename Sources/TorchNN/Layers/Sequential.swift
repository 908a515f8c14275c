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
        var index = 0
        while index < layers.count {
            if index + 1 < layers.count, let norm = layers[index] as? BatchNorm2d,
                let slope = (layers[index + 1] as? Activation)?.slope
            {
                value = norm(value, slope: slope)
                index += 2
            } else {
                value = layers[index](value)
                index += 1
            }
        }
        return value
    }
}
