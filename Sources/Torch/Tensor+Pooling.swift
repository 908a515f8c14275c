// Windows over pictures.

extension Tensor {
    /// Mean over windows of pictures with zeros around them, which count.
    public func averagePool2d(
        _ kernel: Int, stride: Int, padding: Int, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op(
            "avg_pool2d", [self, [kernel, kernel], [stride, stride], [padding, padding], false, true], file,
            line)
    }
}
