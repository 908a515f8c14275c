// Matrix decompositions, partial sorting and structural similarity.

extension Tensor {
    /// Eigenvalues [n], ascending, and eigenvectors [n, n], in the columns, of a symmetric matrix [n, n].
    ///
    /// Only the lower triangle is read.
    public func symmetricEigen(file: StaticString = #fileID, line: UInt = #line) -> (
        values: Tensor, vectors: Tensor
    ) {
        let results = ops("linalg_eigh", [self], results: 2, file, line)
        return (results[0], results[1])
    }

    /// Eigenvalues [n], ascending, of a symmetric matrix [n, n]. Only the lower triangle is read.
    public func symmetricEigenvalues(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("linalg_eigvalsh", [self], file, line)
    }

    /// Lower triangular Cholesky factor L [n, n] of a symmetric matrix L L^T [n, n]; nil if it is not positive
    /// definite.
    public func cholesky(file: StaticString = #fileID, line: UInt = #line) -> Tensor? {
        let results = ops("linalg_cholesky_ex", [self], results: 2, file, line)
        return results[1].item() == 0 ? results[0] : nil
    }

    /// Singular values [min(m, n)], descending, of a matrix [m, n].
    public func singularValues(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("linalg_svdvals", [self], file, line)
    }

    /// Adds the matrix product of `a` [m, k] and `b` [k, n] to `self` [m, n] in place.
    public func addMatmul_(_ a: Tensor, _ b: Tensor, file: StaticString = #fileID, line: UInt = #line) {
        op("addmm_", [self, a, b], file, line)
    }

    /// The `count` smallest elements along a dimension, ascending, and their indices (Int64).
    ///
    /// The dimension has size `count` in both results; the rest of the shape is unchanged.
    public func smallest(
        _ count: Int, _ dimension: Int, file: StaticString = #fileID, line: UInt = #line
    ) -> (values: Tensor, indices: Tensor) {
        let results = ops("topk", [self, count, dimension, false, true], results: 2, file, line)
        return (results[0], results[1])
    }
}

extension Tensor {
    /// Structural similarity maps (SSIM; Wang et al. 2004, equations 6 and 12).
    ///
    /// Gaussian windows with a standard deviation of 1.5 pixels, k1 = 0.01, k2 = 0.03, biased variances. `self`
    /// holds levels
    /// 0...1, [N, C, H, W].
    /// - Parameters:
    ///   - other: levels 0...1 of the same shape.
    ///   - window: side of the windows in pixels, at most H and W. Windows that cross the border are left out.
    /// - Returns: `similarity`, the full index, and `contrast`, the index without the luminance term, each
    ///   [N, C, H - window + 1, W - window + 1].
    public func structuralSimilarity(to other: Tensor, window: Int = 11) -> (
        similarity: Tensor, contrast: Tensor
    ) {
        let (x, y) = (self, other)
        let (height, width) = (x.shape[2], x.shape[3])
        require(
            x.shape == y.shape && Swift.min(height, width) >= window,
            "ssim: expected two tensors of one shape with sides of \(window) or more, got \(x.summary) and \(y.summary)"
        )
        let all = Tensor.concatenated([x, y, x * x, y * y, x * y]).reshape([-1, 1, height, width])
        let parts = all.smoothed(window: window, deviation: 1.5).chunks(5)
        let (mx, my) = (parts[0], parts[1])
        let (c1, c2) = (0.01 * 0.01, 0.03 * 0.03)
        let varianceX = (parts[2] - mx * mx).clampedBelow(0)
        let varianceY = (parts[3] - my * my).clampedBelow(0)
        let contrast = ((parts[4] - mx * my) * 2 + c2) / (varianceX + varianceY + c2)
        let luminance = (mx * my * 2 + c1) / (mx * mx + my * my + c1)
        let shape = Array(x.shape.prefix(2)) + [height - window + 1, width - window + 1]
        return ((luminance * contrast).reshape(shape), contrast.reshape(shape))
    }

    /// Gaussian filter without padding: [N, 1, H, W] to [N, 1, H - window + 1, W - window + 1].
    /// - Parameters:
    ///   - window: side of the filter in pixels.
    ///   - deviation: standard deviation in pixels.
    public func smoothed(window: Int, deviation: Double) -> Tensor {
        // On the device, because a copy from the host cannot be part of a CUDA graph.
        let distance =
            (Tensor.range(window, on: device).to(.float64) - Double(window - 1) / 2) / deviation
        let raw = (distance.square() * -0.5).exp()
        let row = (raw / raw.sum()).to(dtype)
        return conv2d(weight: row.reshape([1, 1, window, 1]), bias: nil)
            .conv2d(weight: row.reshape([1, 1, 1, window]), bias: nil)
    }
}
