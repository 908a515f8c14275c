// Products and sums in one operator.

extension Tensor {
    /// Elementwise self + a * b; the broadcast shape.
    public func addingProduct(
        _ a: Tensor, _ b: Tensor, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op("addcmul", [self, a, b], file, line)
    }
}
