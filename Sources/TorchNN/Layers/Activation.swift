import Torch

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
