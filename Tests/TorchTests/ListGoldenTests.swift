import Testing
import Torch

/// Operators over lists of tensors, and three steps of fused Adam and AdamW, equal PyTorch's.
@Suite struct ListGoldenTests {
    private let golden: Golden

    init() throws { golden = try Golden("lists.safetensors") }

    private func list(_ name: String) throws -> [Tensor] {
        try (0..<3).map { try golden.given("\(name)\($0)") }
    }

    private func check(_ name: String, _ change: ([Tensor]) throws -> Void) throws {
        let changed = try list("a")
        try change(changed)
        for (k, tensor) in changed.enumerated() { try golden.check("\(name).\(k)", tensor) }
    }

    @Test func arithmetic() throws {
        let (b, c) = (try list("b"), try list("c"))
        try check("lerp") { foreachLerp_($0, towards: b, weight: 0.3) }
        try check("multiply") { foreachMultiply_($0, by: 0.3) }
        try check("multiply") { foreachMultiply_($0, by: Tensor(0.3)) }
        try check("copy") { foreachCopy_($0, from: b) }
        try check("add") { foreachAdd_($0, b, factor: 0.3) }
        try check("addProduct") { foreachAddProduct_($0, b, c, factor: 0.3) }
        try check("addQuotient") { foreachAddQuotient_($0, b, c, factor: 0.3) }
    }

    @Test(arguments: [("adam", false), ("adamw", true)]) func fusedAdam(_ name: String, decoupled: Bool)
        throws
    {
        let b = try list("b")
        try check(name) { weights in
            let (means, squares) = (b.map { Tensor.zeros(like: $0) }, b.map { Tensor.zeros(like: $0) })
            let steps = b.map { _ in Tensor(0) }
            for factor in [1, -0.5, 2] {
                for step in steps { step.add_(Tensor(1)) }
                fusedAdam_(
                    parameters: weights, gradients: b.map { $0 * factor }, means: means, squares: squares,
                    steps: steps, learningRate: 0.01, beta1: 0.5, beta2: 0.9, weightDecay: 0.1, epsilon: 1e-6,
                    decoupled: decoupled)
            }
        }
    }
}
