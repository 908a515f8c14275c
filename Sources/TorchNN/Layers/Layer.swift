import Torch

/// A module that maps one tensor to one tensor.
open class Layer: Module {
    /// Applies the layer. The subclass documents the shapes of input and output. Subclasses must override this method.
    open func callAsFunction(_ input: Tensor) -> Tensor {
        fatalError("\(type(of: self)) does not implement callAsFunction")
    }

    /// Applies the layer, with gradient checkpointing if it is enabled in training mode; shapes as in `callAsFunction`.
    public final func checkpointed(_ input: Tensor) -> Tensor {
        guard isCheckpointed, isTraining else { return self(input) }
        return recomputed(input, parameters: trainableValues) { [self] in self($0) }
    }

    /// Values of the parameters that require gradients.
    final var trainableValues: [Tensor] {
        parameters.map(\.parameter.value).filter(\.requiresGradient)
    }
}

/// An activation without parameters. Input and output have the same shape, [...].
public final class Activation: Layer {
    /// Factor for negative values if the activation is a ReLU or leaky ReLU, otherwise nil.
    let slope: Double?
    private let name: String
    private let function: (Tensor) -> Tensor

    /// Creates an activation from a function that preserves the shape [...].
    /// - Parameters:
    ///   - name: name in the description of the module.
    ///   - function: called with the input of the layer.
    public convenience init(_ name: String, _ function: @escaping (Tensor) -> Tensor) {
        self.init(name, slope: nil, function)
    }

    private init(_ name: String, slope: Double?, _ function: @escaping (Tensor) -> Tensor) {
        (self.name, self.slope, self.function) = (name, slope, function)
    }

    /// Applies the function: [...] to the same shape.
    public override func callAsFunction(_ input: Tensor) -> Tensor { function(input) }

    /// Sizes and options, for the description of the module.
    public override var details: String { name }

    /// ReLU, max(x, 0), which overwrites its input.
    ///
    /// Use it directly after a normalization or convolution: their gradients do not need their output.
    public static func relu() -> Activation {
        Activation("relu", slope: 0) { input in
            input.relu_()
            return input
        }
    }

    /// Leaky ReLU, x where x > 0, otherwise slope * x, which overwrites its input; see `relu`.
    public static func leakyReLU(_ slope: Double = 0.2) -> Activation {
        Activation("leaky relu \(slope)", slope: slope) { input in
            input.leakyReLU_(slope)
            return input
        }
    }

    /// ReLU6, min(max(x, 0), 6).
    public static func relu6() -> Activation { Activation("relu6") { $0.clamped(0...6) } }

    /// Hyperbolic tangent, -1...1.
    public static func tanh() -> Activation { Activation("tanh") { $0.tanh() } }
    /// Logistic function, 0...1.
    public static func sigmoid() -> Activation { Activation("sigmoid") { $0.sigmoid() } }
    /// SiLU, x * sigmoid(x).
    public static func silu() -> Activation { Activation("silu") { $0.silu() } }
}

/// Reshapes each element of a batch. Input [N, ...], output [N, shape].
public final class Reshape: Layer {
    private let shape: [Int]

    /// Creates a layer that reshapes [N, ...] to [N, shape]; one size may be -1.
    public init(_ shape: Int...) { self.shape = shape }

    /// Applies the layer: [N, ...] to [N, shape].
    public override func callAsFunction(_ input: Tensor) -> Tensor { input.reshape([input.shape[0]] + shape) }

    /// Sizes and options, for the description of the module.
    public override var details: String { "\(shape)" }
}

/// Layers that are applied in order. Keys are their indices.
///
/// Consecutive `BatchNorm2d`, ReLU and convolution layers run as one operator in training mode.
public final class Sequential: Layer {
    /// The layers in order.
    public let layers: [Layer]

    /// Creates a sequence of layers.
    public init(_ layers: [Layer]) { self.layers = layers }

    /// Creates a sequence of layers.
    public convenience init(_ layers: Layer...) { self.init(layers) }

    /// The layers, with their indices as keys.
    public override var parts: [(key: String, part: Part)] {
        layers.enumerated().map { ("\($0)", .module($1)) }
    }

    /// Applies the layers in order; the input has the shape of the first layer's, the result that of the last one's.
    public override func callAsFunction(_ input: Tensor) -> Tensor {
        guard isCheckpointed, isTraining, !Recompute.isActive else { return apply(layers[...], input) }
        return segments.reduce(input) { value, segment in
            recomputed(value, parameters: segment.flatMap(\.trainableValues)) { [self] in apply(segment, $0) }
        }
    }

    /// Applies the first `count` layers; the input has the shape of the first layer's, the result that of the last
    /// one's.
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

    /// Segments for gradient checkpointing: about sqrt(n) segments of sqrt(n) layers (Chen et al. 2016, section 4).
    ///
    /// No segment starts with a layer that may overwrite its input.
    private var segments: [ArraySlice<Layer>] {
        let heads = layers.indices.filter {
            $0 == 0 || !(layers[$0] is Activation || layers[$0] is BatchNorm2d)
        }
        let step = max(1, Int(Double(heads.count).squareRoot().rounded()))
        let starts = stride(from: 0, to: heads.count, by: step).map { heads[$0] }
        return zip(starts, starts.dropFirst() + [layers.count]).map { layers[$0..<$1] }
    }
}
