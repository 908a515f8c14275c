import TestSupport
import Testing
import Torch

/// Results of every operator equal those of PyTorch for the same arguments.
@Suite struct OperatorGoldenTests {
    private let golden: Golden
    private let x, y, p, m: Tensor

    init() throws {
        golden = try Golden("operators.safetensors")
        (x, y) = (try golden.given("x"), try golden.given("y"))
        (p, m) = (try golden.given("p"), try golden.given("m"))
    }

    private func check(_ results: KeyValuePairs<String, Tensor>, tolerance: Double = 1e-6) throws {
        for (name, result) in results { try golden.check(name, result, tolerance: tolerance) }
    }

    @Test func arithmetic() throws {
        try check([
            "add": x + y, "sub": x - y, "mul": x * y, "div": x / p, "addNumber": x + 0.3,
            "subNumber": x - 0.3,
            "mulNumber": x * 0.3, "divNumber": x / 0.3, "numberAdd": 0.3 + x, "numberSub": 2 - x,
            "numberMul": 0.3 * x, "neg": -x, "exp": x.exp(), "log": p.log(), "sqrt": p.sqrt(),
            "rsqrt": p.rsqrt(), "square": x.square(), "abs": x.abs(), "sign": x.sign(),
            "round": (x * 3).round(), "sin": x.sin(), "cos": x.cos(), "acos": x.tanh().acos(),
            "pow": p.pow(2.5), "clamped": x.clamped(-0.5...0.75), "clampedBelow": x.clampedBelow(0.1),
            "maximum": x.maximum(y), "minimum": x.minimum(y), "lerp": x.lerp(y, weight: 0.3),
            "lerpTensor": x.lerp(y, weight: p),
        ])
    }

    @Test func comparisons() throws {
        try check([
            "equalNumber": x.sign().equal(to: 1), "equal": x.sign().equal(to: y.sign()),
            "greater": x.greater(than: 0.2), "less": x.less(than: 0.2),
            "isFinite": golden.given("odd").isFinite(), "where": x.where(x.greater(than: 0), else: y),
        ])
    }

    @Test func activations() throws {
        try check([
            "relu": x.relu(), "leakyReLU": x.leakyReLU(0.2), "tanh": x.tanh(), "sigmoid": x.sigmoid(),
            "softplus": x.softplus(), "silu": x.silu(), "gelu": x.gelu(), "elu": x.elu(0.7),
            "softmax": x.softmax(1),
        ])
    }

    @Test func inPlace() throws {
        func changed(_ change: (Tensor) -> Void) -> Tensor {
            let copy = x.cloned()
            change(copy)
            return copy
        }
        try check([
            "copy_": changed { $0.copy_(y) }, "fill_": changed { $0.fill_(0.7) },
            "zero_": changed { $0.zero_() },
            "add_": changed { $0.add_(y, factor: 0.5) }, "multiply_": changed { $0.multiply_(1.7) },
            "lerp_": changed { $0.lerp_(y, weight: 0.4) },
            "addProduct_": changed { $0.addProduct_(y, p, factor: 0.5) },
            "addQuotient_": changed { $0.addQuotient_(y, p, factor: 0.5) }, "relu_": changed { $0.relu_() },
            "leakyReLU_": changed { $0.leakyReLU_(0.2) },
        ])
    }

    @Test func shapes() throws {
        try check([
            "reshape": x.reshape([6, -1]), "flattened": x.flattened(from: 1),
            "permuted": x.permuted([0, 2, 3, 1]),
            "transposed": x.transposed(1, 3), "unsqueezed": x.unsqueezed(2),
            "squeezed": x.unsqueezed(2).squeezed(2), "expanded": m.unsqueezed(0).expanded(to: [3, -1, -1]),
            "repeated": m.repeated([2, 3]), "narrow": x.narrow(2, start: 1, length: 2),
            "select": x.select(3, 2),
            "indexSelect": m.indexSelect(0, try golden.given("pick")),
            "gather": x.gather(1, try golden.given("places")), "flipped": x.flipped([2, 3]),
            "rolled": x.rolled([1, -2], [2, 3]), "channelsLast": x.to(.channelsLast),
            "padded": x.padded([1, 2, 0, 3], value: 0.5),
            "reflectionPadded": x.reflectionPadded([1, 2, 3, 0]),
            "half": x.to(.float16), "bfloat16": x.to(.bfloat16), "integers": (x * 3).to(.int64),
            "double": x.to(.float64), "concatenated": .concatenated([x, y], 1),
            "stacked": .stacked([x, y], 2),
            "chunk1": m.chunks(3)[1], "item": x[1], "range": m[1..<4],
        ])
    }

    @Test func reductions() throws {
        try check([
            "sum": x.sum(), "sumOver": x.sum([1, 3], keep: true), "mean": x.mean(),
            "meanOver": x.mean([2, 3]),
            "variance": x.variance([0, 2, 3]),
            "varianceUnbiased": x.variance([1], unbiased: true, keep: true),
            "standardDeviation": x.standardDeviation(),
            "standardDeviationBiased": x.standardDeviation(unbiased: false), "max": x.max(), "min": x.min(),
            "argmax": x.argmax(1), "norm": x.norm(), "normOver": x.norm([1, 2], keep: true),
            "all": p.greater(than: 0).all(), "any": x.greater(than: 100).any(), "diagonal": m.diagonal(),
        ])
        let (q, r) = m.qr()
        try check(["matmul": x.matmul(y.transposed(2, 3)), "q": q, "r": r], tolerance: 1e-5)
    }

    @Test func making() throws {
        try check([
            "zeros": .zeros([2, 3]), "ones": .ones([2], dtype: .float64), "full": .full([2, 2], 0.3),
            "zerosLike": .zeros(like: m), "onesLike": .ones(like: m), "arange": .range(7),
            "identity": .identity(3),
        ])
    }
}

/// Matrix decompositions and partial sorting equal PyTorch.
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
        // Eigenvectors are unique up to their signs.
        try golden.check("projections", vectors.matmul(across), tolerance: 1e-12)
        try golden.check("restored", (vectors * values).matmul(across), tolerance: 1e-12)
        try golden.check("cholesky", try #require(symmetric.cholesky()), tolerance: 1e-12)
        try golden.check("singularValues", m.singularValues(), tolerance: 1e-12)
    }

    @Test func choleskyRequiresPositiveDefinite() {
        #expect((-symmetric).cholesky() == nil)
        #expect(Tensor.zeros([3, 3]).cholesky() == nil)
    }

    @Test func partialSorting() throws {
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

    @Test func doublesAreExact() {
        let values = [1.0 / 3, -1e-300, 12_345_678.9]
        #expect(Tensor(doubles: values).doubles() == values)
        #expect(Tensor(doubles: values).dtype == .float64)
        #expect(Tensor(doubles: values + [0], shape: [2, 2]).shape == [2, 2])
    }
}

/// Inputs and expected results from PyTorch, written by `Tests/Goldens/make_torch.py`.
struct Golden {
    private let tensors: [String: Tensor]

    init(_ name: String) throws {
        let read = try TensorFile.read(goldens("Torch/" + name))
        tensors = Dictionary(uniqueKeysWithValues: read.tensors.map { ($0.name, $0.tensor) })
    }

    /// Copy of an input.
    func given(_ name: String) throws -> Tensor { try #require(tensors["given." + name]).cloned() }

    /// Compares dtype, shape and the largest difference, relative to the largest value, with the expected result.
    func check(
        _ name: String, _ result: Tensor, tolerance: Double = 1e-6,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let answer = try #require(tensors[name], "no golden tensor \(name)", sourceLocation: sourceLocation)
        #expect(result.dtype == answer.dtype, "\(name)", sourceLocation: sourceLocation)
        #expect(result.shape == answer.shape, "\(name)", sourceLocation: sourceLocation)
        guard result.shape == answer.shape, result.count > 0 else { return }
        let (a, b) = (result.detached().to(.float64), answer.to(.float64))
        let error = (a - b).abs().max().item()
        // A NaN in the result makes the error NaN, and the comparison false.
        #expect(
            error <= tolerance * max(b.abs().max().item(), 1e-30), "\(name) is off by \(error)",
            sourceLocation: sourceLocation)
    }
}
