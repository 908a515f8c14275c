import Testing
import Torch

/// Operators of layers and their second derivatives equal PyTorch.
@Suite struct NetworkGoldenTests {
    private let golden: Golden
    private let x: Tensor

    init() throws {
        golden = try Golden("network.safetensors")
        x = try golden.given("x")
    }

    @Test func linear() throws {
        let (row, weight, bias) = (try golden.given("row"), try golden.given("lw"), try golden.given("lb"))
        try golden.check("linear", row.linear(weight: weight, bias: bias))
        try golden.check("linearBare", row.linear(weight: weight, bias: nil))
        try golden.check("embedding", golden.given("table").embedding(golden.given("index")))
    }

    @Test func convolutions() throws {
        let (w, b) = (try golden.given("w"), try golden.given("b"))
        let (tw, tb) = (try golden.given("tw"), try golden.given("tb"))
        let results: KeyValuePairs = [
            "conv2d": x.conv2d(weight: w, bias: b, stride: 2, padding: 1, groups: 2),
            "conv2dDilated": x.conv2d(weight: w, bias: nil, padding: 2, dilation: 2, groups: 2),
            "convTranspose2d": x.convTranspose2d(
                weight: tw, bias: tb, stride: 2, padding: 1, outputPadding: 1, groups: 2),
            "convTranspose2dDilated": x.convTranspose2d(weight: tw, bias: nil, padding: 1, dilation: 2),
        ]
        for (name, result) in results { try golden.check(name, result, tolerance: 1e-5) }
    }

    @Test func channelsLastConvolutions() throws {
        let (x, w) = (x.to(.channelsLast), try golden.given("w").to(.channelsLast))
        let y = x.conv2d(weight: w, bias: try golden.given("b"), stride: 2, padding: 1, groups: 2)
        #expect(y.isContiguous(.channelsLast))
        try golden.check("conv2d", y, tolerance: 1e-5)
    }

    @Test func normalizations() throws {
        let (scale, shift) = (try golden.given("scale"), try golden.given("shift"))
        let (mean, variance) = (try golden.given("mean"), try golden.given("variance"))
        func batchNorm(training: Bool) -> Tensor {
            x.batchNorm(
                weight: scale, bias: shift, runningMean: mean, runningVariance: variance, training: training,
                momentum: 0.1, epsilon: 1e-5)
        }
        try golden.check("batchNormUsed", batchNorm(training: false), tolerance: 1e-5)
        try golden.check("batchNorm", batchNorm(training: true), tolerance: 1e-5)
        try golden.check("batchNorm.mean", mean)
        try golden.check("batchNorm.variance", variance)
        let layer = x.layerNorm(
            shape: [8, 7], weight: try golden.given("ln"), bias: try golden.given("lnb"), epsilon: 1e-6)
        try golden.check("layerNorm", layer, tolerance: 1e-5)
        let group = x.groupNorm(groups: 2, weight: scale, bias: shift, epsilon: 1e-6)
        try golden.check("groupNorm", group, tolerance: 1e-5)
        let instance = x.instanceNorm(weight: scale, bias: shift, epsilon: 1e-5)
        try golden.check("instanceNorm", instance, tolerance: 1e-5)
    }

    @Test func resampling() throws {
        let results: KeyValuePairs = [
            "averagePool2d": x.averagePool2d(3, stride: 2),
            "adaptiveAveragePool2d": x.adaptiveAveragePool2d(3),
            "maxPool2d": x.maxPool2d(3, stride: 2, padding: 1, ceil: true),
            "upsampledNearest": x.upsampledNearest(height: 16, width: 21),
            "upsampledBilinear": x.upsampledBilinear(height: 13, width: 9), "pixelShuffle": x.pixelShuffle(2),
            "pixelUnshuffle": x.narrow(3, start: 0, length: 6).pixelUnshuffle(2),
        ]
        for (name, result) in results { try golden.check(name, result) }
    }

    @Test func losses() throws {
        let (row, targets) = (try golden.given("row"), try golden.given("targets"))
        try golden.check("binaryCrossEntropyWithLogits", row.binaryCrossEntropyWithLogits(targets))
        try golden.check("meanSquaredError", row.meanSquaredError(targets))
        try golden.check("meanAbsoluteError", row.meanAbsoluteError(targets))
    }

    @Test(arguments: ["conv2dTwice", "convTranspose2dTwice"]) func secondDerivatives(_ name: String) throws {
        let isPlain = name == "conv2dTwice"
        let x = x.requiringGradient()
        let weight = try golden.given(isPlain ? "w" : "tw").requiringGradient()
        let bias = try golden.given(isPlain ? "b" : "tb")
        let y =
            isPlain
            ? x.conv2d(weight: weight, bias: bias, stride: 2, padding: 1, groups: 2)
            : x.convTranspose2d(weight: weight, bias: bias, stride: 2, padding: 1, groups: 2)
        let first = try #require(gradients(of: [y.tanh().sum()], wrt: [x], createGraph: true)[0])
        try golden.check(name + ".first", first, tolerance: 1e-5)
        let second = gradients(of: [first.square().sum()], wrt: [x, weight])
        try golden.check(name + ".input", try #require(second[0]), tolerance: 1e-5)
        try golden.check(name + ".weight", try #require(second[1]), tolerance: 1e-5)
    }
}

/// Operators over lists of tensors and three steps of fused Adam and AdamW equal PyTorch.
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
