// Shapes, joining, picking, moving.

extension Tensor {
    /// The same elements under another shape; one size may be -1.
    public func reshape(_ shape: [Int], file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("reshape", [self, shape], file, line)
    }

    /// All dimensions from `start` in one.
    public func flattened(from start: Int = 0, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("flatten.using_ints", [self, start, -1], file, line)
    }

    /// Dimensions in another order.
    public func permuted(_ order: [Int], file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("permute", [self, order], file, line)
    }

    /// Two dimensions exchanged.
    public func transposed(_ a: Int, _ b: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("transpose.int", [self, a, b], file, line)
    }

    /// A dimension of size 1 put in.
    public func unsqueezed(_ dimension: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("unsqueeze", [self, dimension], file, line)
    }

    /// A dimension of size 1 taken out.
    public func squeezed(_ dimension: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("squeeze.dim", [self, dimension], file, line)
    }

    /// Dimensions of size 1 repeated without copying; -1 keeps a size.
    public func expanded(to shape: [Int], file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("expand", [self, shape], file, line)
    }

    /// The whole repeated along each dimension.
    public func repeated(_ counts: [Int], file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("repeat", [self, counts], file, line)
    }

    /// A range of one dimension, sharing memory.
    public func narrow(
        _ dimension: Int, start: Int, length: Int, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op("narrow", [self, dimension, start, length], file, line)
    }

    /// One index of a dimension, which disappears.
    public func select(_ dimension: Int, _ index: Int, file: StaticString = #fileID, line: UInt = #line)
        -> Tensor
    {
        op("select.int", [self, dimension, index], file, line)
    }

    /// Chosen indices (Int64) of a dimension.
    public func indexSelect(
        _ dimension: Int, _ indices: Tensor, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op("index_select", [self, dimension, indices], file, line)
    }

    /// Values at indices along a dimension.
    public func gather(_ dimension: Int, _ indices: Tensor, file: StaticString = #fileID, line: UInt = #line)
        -> Tensor
    {
        op("gather", [self, dimension, indices], file, line)
    }

    /// Reversed along dimensions.
    public func flipped(_ dimensions: [Int], file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("flip", [self, dimensions], file, line)
    }

    /// Rolled along dimensions, wrapping around.
    public func rolled(_ shifts: [Int], _ dimensions: [Int], file: StaticString = #fileID, line: UInt = #line)
        -> Tensor
    {
        op("roll", [self, shifts, dimensions], file, line)
    }

    /// Dense in row-major order, or in another memory format.
    public func contiguous(
        _ format: MemoryFormat = .contiguous, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op("contiguous", [self, format], file, line)
    }

    /// Without the tape; shares memory.
    public func detached(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("detach", [self], file, line)
    }

    /// A copy with its own memory.
    public func cloned(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("clone", [self], file, line)
    }

    /// Padded by constants: last dimension first (left, right, top, bottom, ...).
    public func padded(_ amounts: [Int], value: Double = 0, file: StaticString = #fileID, line: UInt = #line)
        -> Tensor
    {
        op("constant_pad_nd", [self, amounts, value], file, line)
    }

    /// Padded by reflection: left, right, top, bottom.
    public func reflectionPadded(_ amounts: [Int], file: StaticString = #fileID, line: UInt = #line) -> Tensor
    {
        op("reflection_pad2d", [self, amounts], file, line)
    }
}

extension Tensor {
    /// Converted to another element type.
    public func to(_ dtype: DType, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("to.dtype", [self, dtype], file, line)
    }

    /// In single precision, or in double if it is in that already.
    package func atLeastSingle() -> Tensor { dtype == .float64 ? self : to(.float32) }

    /// Moved to another device.
    public func to(_ device: Device, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("to.device", [self, device, dtype], file, line)
    }

    /// Moved and converted at once.
    public func to(
        _ device: Device, _ dtype: DType, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op("to.device", [self, device, dtype], file, line)
    }

    /// The same values in another memory format; copies only if needed.
    public func to(_ format: MemoryFormat, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("contiguous", [self, format], file, line)
    }

    /// Joined along an existing dimension.
    public static func concatenated(
        _ tensors: [Tensor], _ dimension: Int = 0, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op("cat", [tensors, dimension], file, line)
    }

    /// Joined along a dimension that is put in.
    public static func stacked(
        _ tensors: [Tensor], _ dimension: Int = 0, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op("stack", [tensors, dimension], file, line)
    }

    /// Cut into equal pieces along a dimension, sharing memory.
    public func chunks(
        _ count: Int, _ dimension: Int = 0, file: StaticString = #fileID, line: UInt = #line
    ) -> [Tensor] {
        ops("chunk", [self, count, dimension], results: count, file, line)
    }

    /// One element of the first dimension, which disappears; shares memory.
    public subscript(_ index: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        select(0, index, file: file, line: line)
    }

    /// A range of the first dimension; shares memory.
    public subscript(_ range: Range<Int>, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        narrow(0, start: range.lowerBound, length: range.count, file: file, line: line)
    }
}

// Reductions and linear algebra.

extension Tensor {
    /// Sum of all elements, shape [].
    public func sum(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("sum", [self], file, line)
    }

    /// Sum over dimensions.
    public func sum(_ dimensions: [Int], keep: Bool = false, file: StaticString = #fileID, line: UInt = #line)
        -> Tensor
    {
        op("sum.dim_IntList", [self, dimensions, keep], file, line)
    }

    /// Mean of all elements, shape [].
    public func mean(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("mean", [self], file, line)
    }

    /// Mean over dimensions.
    public func mean(
        _ dimensions: [Int], keep: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op("mean.dim", [self, dimensions, keep], file, line)
    }

    /// Variance over dimensions; `unbiased` divides by n - 1.
    public func variance(
        _ dimensions: [Int], unbiased: Bool = false, keep: Bool = false, file: StaticString = #fileID,
        line: UInt = #line
    ) -> Tensor {
        op("var.dim", [self, dimensions, unbiased, keep], file, line)
    }

    /// Standard deviation of all elements; `unbiased` divides by n - 1.
    public func standardDeviation(unbiased: Bool = true, file: StaticString = #fileID, line: UInt = #line)
        -> Tensor
    {
        op("std", [self, unbiased], file, line)
    }

    /// Largest element, shape [].
    public func max(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("max", [self], file, line)
    }

    /// Smallest element, shape [].
    public func min(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("min", [self], file, line)
    }

    /// Index of the largest element along a dimension (Int64).
    public func argmax(_ dimension: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("argmax", [self, dimension], file, line)
    }

    /// Euclidean norm of all elements, shape [].
    public func norm(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("linalg_vector_norm", [self], file, line)
    }

    /// Euclidean norm over dimensions.
    public func norm(
        _ dimensions: [Int], keep: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op("linalg_vector_norm", [self, 2.0, dimensions, keep], file, line)
    }

    /// Whether all elements are true, shape [] (Bool).
    public func all(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("all", [self], file, line)
    }

    /// Whether any element is true, shape [] (Bool).
    public func any(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("any", [self], file, line)
    }

    /// Whether any element along a dimension is true (Bool).
    public func any(_ dimension: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("any.dim", [self, dimension], file, line)
    }

    /// Matrix product, batched over leading dimensions.
    public func matmul(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("matmul", [self, other], file, line)
    }
}

extension Tensor {
    /// The orthogonal and the upper triangular factor of a matrix [m, n].
    public func qr(file: StaticString = #fileID, line: UInt = #line) -> (q: Tensor, r: Tensor) {
        let results = ops("linalg_qr", [self, "reduced"], results: 2, file, line)
        return (results[0], results[1])
    }

    /// The diagonal of a matrix.
    public func diagonal(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("diagonal", [self], file, line)
    }
}
