import Testing
import Torch

/// Decompositions and orders give what PyTorch gives.
@Suite struct LinearGoldenTests {
    private let golden: Golden
    private let m, symmetric, x, y: Tensor

    init() throws {
        golden = try Golden("linear.safetensors")
        (m, x, y) = (try golden.given("m"), try golden.given("x"), try golden.given("y"))
        symmetric = m.transposed(0, 1).matmul(m)
    }

    @Test func decompositions() throws {
        let (values, vectors) = symmetric.symmetricEigen()
        let across = vectors.transposed(0, 1)
        try golden.check("eigenvalues", values, tolerance: 1e-12)
        try golden.check("eigenvalues", symmetric.symmetricEigenvalues(), tolerance: 1e-12)
        // The signs of eigenvectors are free.
        try golden.check("projections", vectors.matmul(across), tolerance: 1e-12)
        try golden.check("restored", (vectors * values).matmul(across), tolerance: 1e-12)
        try golden.check("cholesky", try #require(symmetric.cholesky()), tolerance: 1e-12)
        try golden.check("singularValues", m.singularValues(), tolerance: 1e-12)
    }

    @Test func onlyPositiveDefiniteMatricesHaveTheFactor() {
        #expect((-symmetric).cholesky() == nil)
        #expect(Tensor.zeros([3, 3]).cholesky() == nil)
    }

    @Test func sumsAndOrders() throws {
        let sum = symmetric.cloned()
        sum.addMatmul_(m.transposed(0, 1), m)
        try golden.check("addMatmul_", sum, tolerance: 1e-12)
        let (values, indices) = x.smallest(2, 1)
        try golden.check("smallest", values)
        try golden.check("smallestIndices", indices)
        try golden.check("less", x.less(than: y))
        try golden.check("lessOrEqual", x.lessOrEqual(to: y))
        try golden.check("anyAlong", x.greater(than: 1).any(1))
        try golden.check("logSoftmax", x.logSoftmax(1))
    }

    @Test func doublesKeepTheirDigits() {
        let values = [1.0 / 3, -1e-300, 12_345_678.9]
        #expect(Tensor(doubles: values).doubles() == values)
        #expect(Tensor(doubles: values).dtype == .float64)
        #expect(Tensor(doubles: values + [0], shape: [2, 2]).shape == [2, 2])
    }
}
