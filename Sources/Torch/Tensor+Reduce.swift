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
