// Elementwise arithmetic and activations; shapes broadcast as in PyTorch.

extension Tensor {
    // MARK: Arithmetic

    /// Natural exponential.
    public func exp(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("exp", [self], file, line)
    }

    /// Natural logarithm.
    public func log(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("log", [self], file, line)
    }

    /// Square root.
    public func sqrt(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("sqrt", [self], file, line)
    }

    /// One over the square root.
    public func rsqrt(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("rsqrt", [self], file, line)
    }

    /// Square.
    public func square(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("square", [self], file, line)
    }

    /// Absolute value.
    public func abs(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("abs", [self], file, line)
    }

    /// Sign: -1, 0 or 1.
    public func sign(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("sign", [self], file, line)
    }

    /// Nearest whole number, halves to even.
    public func round(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("round", [self], file, line)
    }

    /// Sine.
    public func sin(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("sin", [self], file, line)
    }

    /// Cosine.
    public func cos(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("cos", [self], file, line)
    }

    /// Inverse cosine, in radians.
    public func acos(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("acos", [self], file, line)
    }

    /// Power with a constant exponent.
    public func pow(_ exponent: Double, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("pow.Tensor_Scalar", [self, exponent], file, line)
    }

    /// Values limited to a range.
    public func clamped(_ range: ClosedRange<Double>, file: StaticString = #fileID, line: UInt = #line)
        -> Tensor
    {
        op("clamp", [self, range.lowerBound, range.upperBound], file, line)
    }

    /// Values raised to at least `minimum`.
    public func clampedBelow(_ minimum: Double, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("clamp_min", [self, minimum], file, line)
    }

    /// The larger of two, elementwise.
    public func maximum(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("maximum", [self, other], file, line)
    }

    /// The smaller of two, elementwise.
    public func minimum(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("minimum", [self, other], file, line)
    }

    /// self + weight * (other - self).
    public func lerp(_ other: Tensor, weight: Double, file: StaticString = #fileID, line: UInt = #line)
        -> Tensor
    {
        op("lerp.Scalar", [self, other, weight], file, line)
    }

    /// self + weight * (other - self), with a weight for each element.
    public func lerp(_ other: Tensor, weight: Tensor, file: StaticString = #fileID, line: UInt = #line)
        -> Tensor
    {
        op("lerp.Tensor", [self, other, weight], file, line)
    }

    // MARK: Comparisons (Bool)

    /// Elementwise equality with a number.
    public func equal(to other: Double, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("eq.Scalar", [self, other], file, line)
    }

    /// Elementwise equality.
    public func equal(to other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("eq.Tensor", [self, other], file, line)
    }

    /// Elementwise greater than a number.
    public func greater(than other: Double, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("gt.Scalar", [self, other], file, line)
    }

    /// Elementwise less than a number.
    public func less(than other: Double, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("lt.Scalar", [self, other], file, line)
    }

    /// Elementwise less than.
    public func less(than other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("lt.Tensor", [self, other], file, line)
    }

    /// Elementwise less than or equal.
    public func lessOrEqual(to other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("le.Tensor", [self, other], file, line)
    }

    /// Whether each element is neither infinite nor NaN.
    public func isFinite(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("isfinite", [self], file, line)
    }

    /// Elements of `self` where `condition` holds, else of `other`.
    public func where_(
        _ condition: Tensor, else other: Tensor, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op("where.self", [condition, self, other], file, line)
    }

    // MARK: Activations

    /// max(x, 0).
    public func relu(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("relu", [self], file, line)
    }

    /// max(x, 0) for networks whose gradients are differentiated again.
    ///
    /// The derivative of a ReLU is constant wherever it has one. `relu` says so by passing zeros on, which then go through
    /// all layers below; this is the derivative of `relu`, applied to x itself, and passes nothing on.
    public func rectified(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("threshold_backward", [self, detached(file: file, line: line), 0.0], file, line)
    }

    /// x where positive, else slope * x.
    public func leakyReLU(_ negativeSlope: Double = 0.01, file: StaticString = #fileID, line: UInt = #line)
        -> Tensor
    {
        op("leaky_relu", [self, negativeSlope], file, line)
    }

    /// Hyperbolic tangent, -1...1.
    public func tanh(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("tanh", [self], file, line)
    }

    /// Logistic function, 0...1.
    public func sigmoid(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("sigmoid", [self], file, line)
    }

    /// log(1 + exp(x)), numerically safe.
    public func softplus(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("softplus", [self], file, line)
    }

    /// x * sigmoid(x).
    public func silu(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("silu", [self], file, line)
    }

    /// Gaussian error linear unit.
    public func gelu(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("gelu", [self], file, line)
    }

    /// Exponential linear unit.
    public func elu(_ alpha: Double = 1, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("elu", [self, alpha], file, line)
    }

    /// exp(x) over its sum along a dimension.
    public func softmax(_ dimension: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("softmax.int", [self, dimension], file, line)
    }

    /// Logarithm of the softmax, numerically safe.
    public func logSoftmax(_ dimension: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("log_softmax.int", [self, dimension], file, line)
    }

    // MARK: In place; on leaves only without gradients

    /// Takes the values of another tensor.
    public func copy_(_ source: Tensor, file: StaticString = #fileID, line: UInt = #line) {
        op("copy_", [self, source], file, line)
    }

    /// Sets every element.
    public func fill_(_ value: Double, file: StaticString = #fileID, line: UInt = #line) {
        op("fill_.Scalar", [self, value], file, line)
    }

    /// Sets every element to zero.
    public func zero_(file: StaticString = #fileID, line: UInt = #line) {
        op("zero_", [self], file, line)
    }

    /// Moves every element into a range.
    public func clamp_(_ range: ClosedRange<Double>, file: StaticString = #fileID, line: UInt = #line) {
        op("clamp_", [self, range.lowerBound, range.upperBound], file, line)
    }

    /// Adds factor * other.
    public func add_(_ other: Tensor, factor: Double = 1, file: StaticString = #fileID, line: UInt = #line) {
        // Integers refuse a factor that is not one of them.
        op("add_.Tensor", factor == 1 ? [self, other] : [self, other, factor], file, line)
    }

    /// Multiplies by a number.
    public func multiply_(_ factor: Double, file: StaticString = #fileID, line: UInt = #line) {
        op("mul_.Scalar", [self, factor], file, line)
    }

    /// Moves towards another tensor.
    public func lerp_(_ other: Tensor, weight: Double, file: StaticString = #fileID, line: UInt = #line) {
        op("lerp_.Scalar", [self, other, weight], file, line)
    }

    /// Adds factor * a * b.
    public func addProduct_(
        _ a: Tensor, _ b: Tensor, factor: Double = 1, file: StaticString = #fileID, line: UInt = #line
    ) {
        op("addcmul_", [self, a, b, factor], file, line)
    }

    /// Adds factor * a / b.
    public func addQuotient_(
        _ a: Tensor, _ b: Tensor, factor: Double = 1, file: StaticString = #fileID, line: UInt = #line
    ) {
        op("addcdiv_", [self, a, b, factor], file, line)
    }

    /// max(x, 0), in place.
    public func relu_(file: StaticString = #fileID, line: UInt = #line) {
        op("relu_", [self], file, line)
    }

    /// Leaky ReLU, in place.
    public func leakyReLU_(_ negativeSlope: Double = 0.01, file: StaticString = #fileID, line: UInt = #line) {
        op("leaky_relu_", [self, negativeSlope], file, line)
    }
}
