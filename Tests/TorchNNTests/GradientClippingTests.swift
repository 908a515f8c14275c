import Testing
import Torch
import TorchNN

/// Clipping by the joint norm against `torch.nn.utils.clip_grad_norm_`.
@Suite struct GradientClippingTests {
    @Test(arguments: ["0.5", "1000"])
    func equalsPyTorch(limit: String) throws {
        let golden = try Golden("optimizers")
        let network = try Trained(golden)
        var found = network.gradients(golden, step: 0)
        let norm = clipGradients(&found, maxNorm: Double(limit)!)
        expectClose(norm, try golden("clip-\(limit)/norm"), within: 1e-6, "norm")
        for ((key, _), gradient) in zip(network.parameters, found) {
            expectClose(gradient, try golden("clip-\(limit)/\(key)"), within: 1e-6, key)
        }
    }

    @Test func absentGradientsStayAbsent() {
        var found: [Tensor?] = [nil, Tensor([3.0, 4.0]), nil]
        #expect(clipGradients(&found, maxNorm: 1).item() == 5)
        #expect(found[0] == nil && found[2] == nil)
        #expect(abs(found[1]!.norm().item() - 1) < 1e-5)
        var none: [Tensor?] = [nil]
        #expect(clipGradients(&none, maxNorm: 1).item() == 0)
    }

    /// Two summands get one and the same gradient; it must not shrink twice.
    @Test func gradientsMayShareMemory() {
        let (a, b) = (Parameter(onesOf: [4]), Parameter(onesOf: [4]))
        let loss = (a.value + b.value).square().sum()
        var found = gradients(of: [loss], wrt: [a.value, b.value])
        let norm = clipGradients(&found, maxNorm: 0.5).item()
        #expect(abs(norm - 128.0.squareRoot()) < 1e-4)
        let after = Tensor.concatenated(found.compactMap { $0 }).norm().item()
        #expect(abs(after - 0.5) < 1e-5)
    }
}
