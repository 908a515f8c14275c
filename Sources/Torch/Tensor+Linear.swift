// Decompositions of matrices, and the order of elements.

extension Tensor {
    /// Eigenvalues of a symmetric matrix, rising, and the eigenvectors in the columns; only the lower triangle is read.
    public func symmetricEigen(file: StaticString = #fileID, line: UInt = #line) -> (
        values: Tensor, vectors: Tensor
    ) {
        let results = ops("linalg_eigh", [self], results: 2, file, line)
        return (results[0], results[1])
    }

    /// Eigenvalues of a symmetric matrix, rising; only the lower triangle is read.
    public func symmetricEigenvalues(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("linalg_eigvalsh", [self], file, line)
    }

    /// The lower triangular factor L of a symmetric matrix L LT; nil unless the matrix is positive definite.
    public func cholesky(file: StaticString = #fileID, line: UInt = #line) -> Tensor? {
        let results = ops("linalg_cholesky_ex", [self], results: 2, file, line)
        return results[1].item() == 0 ? results[0] : nil
    }

    /// Singular values of a matrix, falling.
    public func singularValues(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("linalg_svdvals", [self], file, line)
    }

    /// Adds the matrix product of a [m, k] and b [k, n] in place.
    public func addMatmul_(_ a: Tensor, _ b: Tensor, file: StaticString = #fileID, line: UInt = #line) {
        op("addmm_", [self, a, b], file, line)
    }

    /// The `count` smallest elements along a dimension, rising, and their indices (Int64).
    public func smallest(
        _ count: Int, _ dimension: Int, file: StaticString = #fileID, line: UInt = #line
    ) -> (values: Tensor, indices: Tensor) {
        let results = ops("topk", [self, count, dimension, false, true], results: 2, file, line)
        return (results[0], results[1])
    }
}
