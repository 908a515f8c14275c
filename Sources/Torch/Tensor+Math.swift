// Elementwise arithmetic, comparisons and activations.
//
// Every operator accepts any shape. Operands with different shapes are broadcast as in PyTorch.
// A shape mismatch traps with both shapes and the caller's line.

extension Tensor {
    // MARK: Arithmetic

    /// Elementwise a + b; the broadcast shape.
    public static func + (a: Tensor, b: Tensor) -> Tensor { op("add.Tensor", [a, b], #fileID, #line) }
    /// Elementwise a - b; the broadcast shape.
    public static func - (a: Tensor, b: Tensor) -> Tensor { op("sub.Tensor", [a, b], #fileID, #line) }
    /// Elementwise a * b; the broadcast shape.
    public static func * (a: Tensor, b: Tensor) -> Tensor { op("mul.Tensor", [a, b], #fileID, #line) }
    /// Elementwise a / b; the broadcast shape.
    public static func / (a: Tensor, b: Tensor) -> Tensor { op("div.Tensor", [a, b], #fileID, #line) }
    /// Adds a number to every element; same shape.
    public static func + (a: Tensor, b: Double) -> Tensor { op("add.Scalar", [a, b], #fileID, #line) }
    /// Subtracts a number from every element; same shape.
    public static func - (a: Tensor, b: Double) -> Tensor { op("sub.Scalar", [a, b], #fileID, #line) }
    /// Multiplies every element by a number; same shape.
    public static func * (a: Tensor, b: Double) -> Tensor { op("mul.Scalar", [a, b], #fileID, #line) }
    /// Divides every element by a number; same shape.
    public static func / (a: Tensor, b: Double) -> Tensor { op("div.Scalar", [a, b], #fileID, #line) }
    /// Adds a number to every element; same shape.
    public static func + (a: Double, b: Tensor) -> Tensor { op("add.Scalar", [b, a], #fileID, #line) }
    /// Subtracts every element from a number; same shape.
    public static func - (a: Double, b: Tensor) -> Tensor { op("rsub.Scalar", [b, a], #fileID, #line) }
    /// Multiplies every element by a number; same shape.
    public static func * (a: Double, b: Tensor) -> Tensor { op("mul.Scalar", [b, a], #fileID, #line) }
    /// Negates every element; same shape.
    public static prefix func - (a: Tensor) -> Tensor { op("neg", [a], #fileID, #line) }

    // MARK: Elementary functions

    /// Elementwise e^x; same shape.
    public func exp(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("exp", [self], file, line)
    }

    /// Elementwise natural logarithm; same shape. NaN below 0.
    public func log(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("log", [self], file, line)
    }

    /// Elementwise square root; same shape. NaN below 0.
    public func sqrt(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("sqrt", [self], file, line)
    }

    /// Elementwise 1 / sqrt(x); same shape.
    public func rsqrt(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("rsqrt", [self], file, line)
    }

    /// Elementwise x^2; same shape.
    public func square(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("square", [self], file, line)
    }

    /// Elementwise absolute value; same shape.
    public func abs(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("abs", [self], file, line)
    }

    /// Elementwise sign, -1, 0 or 1; same shape.
    public func sign(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("sign", [self], file, line)
    }

    /// Elementwise nearest integer, halves to even; same shape and dtype.
    public func round(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("round", [self], file, line)
    }

    /// Elementwise sine of radians; same shape.
    public func sin(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("sin", [self], file, line)
    }

    /// Elementwise cosine of radians; same shape.
    public func cos(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("cos", [self], file, line)
    }

    /// Elementwise inverse cosine in radians, 0...pi; same shape. NaN outside -1...1.
    public func acos(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("acos", [self], file, line)
    }

    /// Elementwise x^exponent; same shape.
    public func pow(_ exponent: Double, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("pow.Tensor_Scalar", [self, exponent], file, line)
    }

    /// Elementwise min(max(x, lower), upper); same shape.
    public func clamped(_ range: ClosedRange<Double>, file: StaticString = #fileID, line: UInt = #line)
        -> Tensor
    {
        op("clamp", [self, range.lowerBound, range.upperBound], file, line)
    }

    /// Elementwise max(x, minimum); same shape.
    public func clampedBelow(_ minimum: Double, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("clamp_min", [self, minimum], file, line)
    }

    /// Elementwise maximum of two tensors; the broadcast shape.
    public func maximum(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("maximum", [self, other], file, line)
    }

    /// Elementwise minimum of two tensors; the broadcast shape.
    public func minimum(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("minimum", [self, other], file, line)
    }

    /// Linear interpolation, self + weight * (other - self); the broadcast shape.
    public func lerp(_ other: Tensor, weight: Double, file: StaticString = #fileID, line: UInt = #line)
        -> Tensor
    {
        op("lerp.Scalar", [self, other, weight], file, line)
    }

    /// Linear interpolation with one weight per element; the broadcast shape of all three.
    public func lerp(_ other: Tensor, weight: Tensor, file: StaticString = #fileID, line: UInt = #line)
        -> Tensor
    {
        op("lerp.Tensor", [self, other, weight], file, line)
    }

    // MARK: Comparisons

    /// Elementwise x == number; Bool, same shape.
    public func equal(to other: Double, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("eq.Scalar", [self, other], file, line)
    }

    /// Elementwise x != number; Bool, same shape.
    public func notEqual(to other: Double, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("ne.Scalar", [self, other], file, line)
    }

    /// Elementwise x == y; Bool, the broadcast shape.
    public func equal(to other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("eq.Tensor", [self, other], file, line)
    }

    /// Elementwise x > number; Bool, same shape.
    public func greater(than other: Double, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("gt.Scalar", [self, other], file, line)
    }

    /// Elementwise x < number; Bool, same shape.
    public func less(than other: Double, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("lt.Scalar", [self, other], file, line)
    }

    /// Elementwise x < y; Bool, the broadcast shape.
    public func less(than other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("lt.Tensor", [self, other], file, line)
    }

    /// Elementwise x <= y; Bool, the broadcast shape.
    public func lessOrEqual(to other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("le.Tensor", [self, other], file, line)
    }

    /// Elementwise test for a finite number; Bool, same shape.
    public func isFinite(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("isfinite", [self], file, line)
    }

    /// Elementwise selection: `self` where `condition` (Bool) is true, otherwise `other`; the broadcast shape.
    public func `where`(
        _ condition: Tensor, else other: Tensor, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op("where.self", [condition, self, other], file, line)
    }

    // MARK: Activations

    /// ReLU, max(x, 0); same shape.
    public func relu(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("relu", [self], file, line)
    }

    /// ReLU, max(x, 0), for networks whose gradients are differentiated again; same shape.
    ///
    /// The second derivative of a ReLU is zero. Double backward through `relu` computes these zeros and propagates them
    /// through all earlier layers. This form applies the derivative of `relu` to x, so the tape contains no such
    /// branch.
    public func rectified(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("threshold_backward", [self, detached(file: file, line: line), 0.0], file, line)
    }

    /// Leaky ReLU, x where x > 0, otherwise negativeSlope * x; same shape.
    public func leakyReLU(_ negativeSlope: Double = 0.01, file: StaticString = #fileID, line: UInt = #line)
        -> Tensor
    {
        op("leaky_relu", [self, negativeSlope], file, line)
    }

    /// Elementwise hyperbolic tangent, -1...1; same shape.
    public func tanh(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("tanh", [self], file, line)
    }

    /// Elementwise logistic function 1 / (1 + e^-x), 0...1; same shape.
    public func sigmoid(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("sigmoid", [self], file, line)
    }

    /// Softplus, log(1 + e^x), without overflow; same shape.
    public func softplus(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("softplus", [self], file, line)
    }

    /// SiLU, x * sigmoid(x); same shape.
    public func silu(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("silu", [self], file, line)
    }

    /// GELU, x * Phi(x) with the exact normal distribution function Phi; same shape.
    public func gelu(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("gelu", [self], file, line)
    }

    /// ELU, x where x > 0, otherwise alpha * (e^x - 1); same shape.
    public func elu(_ alpha: Double = 1, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("elu", [self, alpha], file, line)
    }

    /// Softmax along a dimension, e^x / sum(e^x); same shape.
    public func softmax(_ dimension: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("softmax.int", [self, dimension], file, line)
    }

    /// Logarithm of the softmax along a dimension, without overflow; same shape.
    public func logSoftmax(_ dimension: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("log_softmax.int", [self, dimension], file, line)
    }

    // MARK: In place
    //
    // These operators write to `self`. On a leaf that requires gradients they trap outside `withoutGradients`.

    /// Copies the values of `source`, broadcast to the shape of `self`; converts dtype and device.
    public func copy_(_ source: Tensor, file: StaticString = #fileID, line: UInt = #line) {
        op("copy_", [self, source], file, line)
    }

    /// Sets every element to `value`; any shape.
    public func fill_(_ value: Double, file: StaticString = #fileID, line: UInt = #line) {
        op("fill_.Scalar", [self, value], file, line)
    }

    /// Sets every element to zero; any shape.
    public func zero_(file: StaticString = #fileID, line: UInt = #line) {
        op("zero_", [self], file, line)
    }

    /// Clamps every element to a range; any shape.
    public func clamp_(_ range: ClosedRange<Double>, file: StaticString = #fileID, line: UInt = #line) {
        op("clamp_", [self, range.lowerBound, range.upperBound], file, line)
    }

    /// Adds factor * other, where `other` broadcasts to the shape of `self`.
    public func add_(_ other: Tensor, factor: Double = 1, file: StaticString = #fileID, line: UInt = #line) {
        // libtorch rejects a floating-point factor for integer tensors.
        op("add_.Tensor", factor == 1 ? [self, other] : [self, other, factor], file, line)
    }

    /// Multiplies every element by a number; any shape.
    public func multiply_(_ factor: Double, file: StaticString = #fileID, line: UInt = #line) {
        op("mul_.Scalar", [self, factor], file, line)
    }

    /// Interpolates towards `other`: self += weight * (other - self); `other` broadcasts to the shape of `self`.
    public func lerp_(_ other: Tensor, weight: Double, file: StaticString = #fileID, line: UInt = #line) {
        op("lerp_.Scalar", [self, other, weight], file, line)
    }

    /// Adds factor * a * b; `a` and `b` broadcast to the shape of `self`.
    public func addProduct_(
        _ a: Tensor, _ b: Tensor, factor: Double = 1, file: StaticString = #fileID, line: UInt = #line
    ) {
        op("addcmul_", [self, a, b, factor], file, line)
    }

    /// Adds factor * a / b; `a` and `b` broadcast to the shape of `self`.
    public func addQuotient_(
        _ a: Tensor, _ b: Tensor, factor: Double = 1, file: StaticString = #fileID, line: UInt = #line
    ) {
        op("addcdiv_", [self, a, b, factor], file, line)
    }

    /// ReLU in place; any shape.
    public func relu_(file: StaticString = #fileID, line: UInt = #line) {
        op("relu_", [self], file, line)
    }

    /// Leaky ReLU in place; any shape. As with `rectified`, second derivatives do not pass through the input.
    /// - Parameters:
    ///   - negativeSlope: factor for negative values, 0 or more.
    ///   - file: file of the caller, for error messages.
    ///   - line: line of the caller, for error messages.
    public func leakyReLU_(_ negativeSlope: Double = 0.01, file: StaticString = #fileID, line: UInt = #line) {
        op("facegan::leaky_relu_", [self, negativeSlope], file, line)
    }
}
