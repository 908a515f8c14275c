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

/// A function without parameters, such as `.relu`.
public final class Activation: Layer {
    /// What negative values are multiplied with, of an activation that is just that.
    let slope: Double?
    private let name: String
    private let function: (Tensor) -> Tensor

    public convenience init(_ name: String, _ function: @escaping (Tensor) -> Tensor) {
        self.init(name, slope: nil, function)
    }

    private init(_ name: String, slope: Double?, _ function: @escaping (Tensor) -> Tensor) {
        (self.name, self.slope, self.function) = (name, slope, function)
    }

    public override func callAsFunction(_ input: Tensor) -> Tensor { function(input) }

    public override var details: String { name }

    /// max(x, 0), in the input's own memory; right after a normalization or convolution, which do not need it again.
    public static func relu() -> Activation {
        Activation("relu", slope: 0) { input in
            input.relu_()
            return input
        }
    }

    /// x where positive, else slope * x, in the input's own memory.
    public static func leakyReLU(_ slope: Double = 0.2) -> Activation {
        Activation("leaky relu \(slope)", slope: slope) { input in
            input.leakyReLU_(slope)
            return input
        }
    }

    /// min(max(x, 0), 6).
    public static func relu6() -> Activation { Activation("relu6") { $0.clamped(0...6) } }

    public static func tanh() -> Activation { Activation("tanh") { $0.tanh() } }
    public static func sigmoid() -> Activation { Activation("sigmoid") { $0.sigmoid() } }
    public static func silu() -> Activation { Activation("silu") { $0.silu() } }
}

/// Gives each element another shape, the first dimension kept.
public final class Reshape: Layer {
    private let shape: [Int]

    public init(_ shape: Int...) { self.shape = shape }

    public override func callAsFunction(_ input: Tensor) -> Tensor { input.reshape([input.shape[0]] + shape) }

    public override var details: String { "\(shape)" }
}

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
