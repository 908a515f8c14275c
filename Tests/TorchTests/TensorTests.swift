import Testing
import Torch

@Suite struct TensorTests {
    @Test func convolutionIsTwiceDifferentiable() throws {
        let random = RandomSource(seed: 1)
        let x = Tensor.normal([2, 3, 8, 8], random: random).requiringGradient()
        let w = Tensor.normal([4, 3, 3, 3], random: random).requiringGradient()
        let y = x.conv2d(weight: w, bias: nil, padding: 1).tanh().sum()
        let g = gradients(of: [y], wrt: [x], createGraph: true)[0]!
        let penalty = g.square().sum()
        let gw = gradients(of: [penalty], wrt: [w])[0]!
        #expect(gw.shape == [4, 3, 3, 3])
        #expect(gw.norm().item() > 0)
        let m = Tensor.zeros([2, 2])
        foreachLerp_([m], towards: [Tensor.ones([2, 2])], weight: 0.5)
        #expect(m.floats() == [0.5, 0.5, 0.5, 0.5])
        #expect(throws: TorchError.self) { try recoveringFromOutOfMemory { Tensor.zeros([1 << 50]) } }
    }
}
