// Products and sums in one operator.

extension Tensor {
    /// Elementwise self + a * b; the broadcast shape.
    public func addingProduct(
        _ a: Tensor, _ b: Tensor, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op("addcmul", [self, a, b], file, line)
    }

    /// Maps filtered by [1, 3, 3, 1] / 8 in both directions, in float32 or bfloat16 on the CPU.
    ///
    /// [N, C, H, W] to [N, C, up H / down, up W / down], or without factors to [N, C, H + 2 padding - 3, ...].
    /// - Parameters:
    ///   - up: factor of the sides, 1 or 2, by zeros between the pixels.
    ///   - down: divisor of the sides, 1 or 2; the sides are even, and `up` is 1.
    ///   - padding: zeros on every side without a factor, 1 or 2. Otherwise 1.
    ///   - gain: factor of the result.
    ///   - file: file of the caller, for error messages.
    ///   - line: line of the caller, for error messages.
    public func resampled(
        up: Int = 1, down: Int = 1, padding: Int = 1, gain: Double = 1, file: StaticString = #fileID,
        line: UInt = #line
    ) -> Tensor {
        op("facegan::resampled", [self, up, down, padding, gain], file, line)
    }
}
