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
        guard recomputesParts, isTraining, !Recompute.isActive else { return apply(layers[...], input) }
        return segments.reduce(input) { value, segment in
            recomputed(value, parameters: segment.flatMap(\.trained)) { [self] in apply(segment, $0) }
        }
    }

    /// The first layers alone.
    public func callAsFunction(_ input: Tensor, first count: Int) -> Tensor {
        apply(layers[..<count], input)
    }

    private func apply(_ layers: ArraySlice<Layer>, _ input: Tensor) -> Tensor {
        var value = input
        var index = layers.startIndex
        func layer(_ offset: Int) -> Layer? {
            index + offset < layers.endIndex ? layers[index + offset] : nil
        }
        while let first = layer(0) {
            guard let norm = first as? BatchNorm2d, let slope = (layer(1) as? Activation)?.slope else {
                value = first(value)
                index += 1
                continue
            }
            if let convolved = layer(2).flatMap({ norm(value, slope: slope, then: $0) }) {
                value = convolved
                index += 3
            } else {
                value = norm(value, slope: slope)
                index += 2
            }
        }
        return value
    }

    /// About as many segments as layers in each (Chen et al. 2016, section 4); none begins with a layer that may work in
    /// its input's own memory.
    private var segments: [ArraySlice<Layer>] {
        let heads = layers.indices.filter {
            $0 == 0 || !(layers[$0] is Activation || layers[$0] is BatchNorm2d)
        }
        let step = max(1, Int(Double(heads.count).squareRoot().rounded()))
        let starts = stride(from: 0, to: heads.count, by: step).map { heads[$0] }
        return zip(starts, starts.dropFirst() + [layers.count]).map { layers[$0..<$1] }
    }
}
