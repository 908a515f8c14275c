// Views, indexing, joining, conversion, reductions and matrix products.
//
// A negative dimension counts from the last one. A view shares memory with its source.

extension Tensor {
    /// Elements of `self` in `shape`, row-major; one size may be -1. A view where the strides permit it.
    public func reshape(_ shape: [Int], file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("reshape", [self, shape], file, line)
    }

    /// Shape [d0, ..., d(start-1), rest], with all dimensions from `start` merged.
    public func flattened(from start: Int = 0, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("flatten.using_ints", [self, start, -1], file, line)
    }

    /// View with dimension i taken from dimension order[i]: [N, H, W, C] with order [0, 3, 1, 2] gives [N, C, H, W].
    public func permuted(_ order: [Int], file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("permute", [self, order], file, line)
    }

    /// View with dimensions `a` and `b` exchanged: [m, n] gives [n, m].
    public func transposed(_ a: Int, _ b: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("transpose.int", [self, a, b], file, line)
    }

    /// View with a dimension of size 1 inserted at `dimension`: [m, n] at 0 gives [1, m, n].
    public func unsqueezed(_ dimension: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("unsqueeze", [self, dimension], file, line)
    }

    /// View with `dimension` removed if its size is 1: [1, m, n] at 0 gives [m, n].
    public func squeezed(_ dimension: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("squeeze.dim", [self, dimension], file, line)
    }

    /// View of shape `shape` that repeats dimensions of size 1 with stride 0; -1 keeps a size.
    public func expanded(to shape: [Int], file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("expand", [self, shape], file, line)
    }

    /// Copy of the tensor tiled counts[i] times along dimension i: [m, n] gives [m counts[0], n counts[1]].
    public func repeated(_ counts: [Int], file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("repeat", [self, counts], file, line)
    }

    /// View of indices start..<start + length of one dimension; the other sizes of the shape are unchanged.
    public func narrow(
        _ dimension: Int, start: Int, length: Int, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op("narrow", [self, dimension, start, length], file, line)
    }

    /// View at one index of a dimension, which is removed from the shape.
    public func select(_ dimension: Int, _ index: Int, file: StaticString = #fileID, line: UInt = #line)
        -> Tensor
    {
        op("select.int", [self, dimension, index], file, line)
    }

    /// Copy of the given indices [n], Int64, of a dimension; its size becomes n, the rest of the shape is unchanged.
    public func indexSelect(
        _ dimension: Int, _ indices: Tensor, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op("index_select", [self, dimension, indices], file, line)
    }

    /// Elements at `indices` (Int64) along a dimension; the result has the shape of `indices`.
    public func gather(_ dimension: Int, _ indices: Tensor, file: StaticString = #fileID, line: UInt = #line)
        -> Tensor
    {
        op("gather", [self, dimension, indices], file, line)
    }

    /// Copy reversed along the given dimensions; same shape.
    public func flipped(_ dimensions: [Int], file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("flip", [self, dimensions], file, line)
    }

    /// Copy shifted cyclically by shifts[i] along dimensions[i]; same shape.
    public func rolled(_ shifts: [Int], _ dimensions: [Int], file: StaticString = #fileID, line: UInt = #line)
        -> Tensor
    {
        op("roll", [self, shifts, dimensions], file, line)
    }

    /// Same shape and values, dense in `format`; copies only if necessary.
    public func contiguous(
        _ format: MemoryFormat = .contiguous, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op("contiguous", [self, format], file, line)
    }

    /// Same tensor without gradient history; same shape, shared memory.
    public func detached(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("detach", [self], file, line)
    }

    /// Copy with its own memory; same shape. Gradients flow through it.
    public func cloned(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("clone", [self], file, line)
    }

    /// Padding with a constant.
    /// - Parameters:
    ///   - amounts: elements before and after, last dimension first: [left, right, top, bottom, ...].
    ///     Negative amounts crop.
    ///   - value: value of the added elements.
    ///   - file: file of the caller, for error messages.
    ///   - line: line of the caller, for error messages.
    /// - Returns: [..., H + top + bottom, W + left + right].
    public func padded(_ amounts: [Int], value: Double = 0, file: StaticString = #fileID, line: UInt = #line)
        -> Tensor
    {
        op("constant_pad_nd", [self, amounts, value], file, line)
    }

    /// Padding by reflection without repeating the border.
    /// - Parameters:
    ///   - amounts: [left, right, top, bottom] in pixels, each less than the side.
    ///   - file: file of the caller, for error messages.
    ///   - line: line of the caller, for error messages.
    /// - Returns: [N, C, H + top + bottom, W + left + right].
    public func reflectionPadded(_ amounts: [Int], file: StaticString = #fileID, line: UInt = #line) -> Tensor
    {
        op("reflection_pad2d", [self, amounts], file, line)
    }
}

extension Tensor {
    /// Conversion to another dtype; same shape. Returns `self` if the dtype matches.
    public func to(_ dtype: DType, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("to.dtype", [self, dtype], file, line)
    }

    /// Float64 stays as it is; every other dtype becomes Float32. Same shape.
    package func atLeastSingle() -> Tensor { dtype == .float64 ? self : to(.float32) }

    /// Copy on another device; same shape and dtype. Returns `self` if the device matches.
    public func to(_ device: Device, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("to.device", [self, device, dtype], file, line)
    }

    /// Copy on another device in another dtype; same shape.
    public func to(
        _ device: Device, _ dtype: DType, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op("to.device", [self, device, dtype], file, line)
    }

    /// Same shape and values, dense in `format`; copies only if necessary.
    public func to(_ format: MemoryFormat, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("contiguous", [self, format], file, line)
    }

    /// Concatenation along an existing dimension: shapes [a, n] and [b, n] along 0 give [a + b, n].
    public static func concatenated(
        _ tensors: [Tensor], _ dimension: Int = 0, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op("cat", [tensors, dimension], file, line)
    }

    /// Stack along an inserted dimension: k tensors of shape [m, n] at 0 give [k, m, n].
    public static func stacked(
        _ tensors: [Tensor], _ dimension: Int = 0, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op("stack", [tensors, dimension], file, line)
    }

    /// Views of `count` pieces along a dimension: [m, n] in 2 along 0 gives two tensors [m / 2, n].
    ///
    /// The last piece is smaller if the size is not a multiple of `count`. Traps if fewer than `count` pieces result.
    public func chunks(
        _ count: Int, _ dimension: Int = 0, file: StaticString = #fileID, line: UInt = #line
    ) -> [Tensor] {
        ops("chunk", [self, count, dimension], results: count, file, line)
    }

    /// View at one index of the first dimension: [N, ...] gives [...].
    public subscript(_ index: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        select(0, index, file: file, line: line)
    }

    /// View of a range of the first dimension: [N, ...] gives [range.count, ...].
    public subscript(_ range: Range<Int>, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        narrow(0, start: range.lowerBound, length: range.count, file: file, line: line)
    }
}

// Reductions. A reduced dimension is removed from the shape, or has size 1 if `keep` is true.

extension Tensor {
    /// Sum of all elements, shape []. Integers and Bool are summed as Int64.
    public func sum(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("sum", [self], file, line)
    }

    /// Sum over the given dimensions; shape without them. Integers and Bool are summed as Int64.
    public func sum(_ dimensions: [Int], keep: Bool = false, file: StaticString = #fileID, line: UInt = #line)
        -> Tensor
    {
        op("sum.dim_IntList", [self, dimensions, keep], file, line)
    }

    /// Mean of all elements, shape [].
    public func mean(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("mean", [self], file, line)
    }

    /// Mean over the given dimensions; shape without them.
    public func mean(
        _ dimensions: [Int], keep: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op("mean.dim", [self, dimensions, keep], file, line)
    }

    /// Variance over the given dimensions; shape without them. `unbiased` divides by n - 1 instead of n.
    public func variance(
        _ dimensions: [Int], unbiased: Bool = false, keep: Bool = false, file: StaticString = #fileID,
        line: UInt = #line
    ) -> Tensor {
        op("var.dim", [self, dimensions, unbiased, keep], file, line)
    }

    /// Standard deviation of all elements, shape []. `unbiased` divides by n - 1 instead of n.
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

    /// Index of the largest element along a dimension, Int64; shape without it.
    public func argmax(_ dimension: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("argmax", [self, dimension], file, line)
    }

    /// Euclidean norm of all elements, shape [].
    public func norm(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("linalg_vector_norm", [self], file, line)
    }

    /// Euclidean norm over the given dimensions; shape without them.
    public func norm(
        _ dimensions: [Int], keep: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op("linalg_vector_norm", [self, 2.0, dimensions, keep], file, line)
    }

    /// Whether all elements are true, shape [], Bool.
    public func all(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("all", [self], file, line)
    }

    /// Whether any element is true, shape [], Bool.
    public func any(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("any", [self], file, line)
    }

    /// Whether any element along a dimension is true, Bool; shape without it.
    public func any(_ dimension: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("any.dim", [self, dimension], file, line)
    }

    /// Matrix product: [..., m, k] times [..., k, n] gives [..., m, n]; leading dimensions broadcast.
    ///
    /// Vectors are supported too: [m, k] times [k] gives [m].
    public func matmul(_ other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("matmul", [self, other], file, line)
    }
}

extension Tensor {
    /// QR decomposition of a matrix [m, n]: orthonormal columns q [m, k] and upper triangular r [k, n], k = min(m, n).
    public func qr(file: StaticString = #fileID, line: UInt = #line) -> (q: Tensor, r: Tensor) {
        let results = ops("linalg_qr", [self, "reduced"], results: 2, file, line)
        return (results[0], results[1])
    }

    /// View of the main diagonal of a matrix [m, n], shape [min(m, n)].
    public func diagonal(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("diagonal", [self], file, line)
    }
}
