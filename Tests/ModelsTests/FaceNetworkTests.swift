import Models
import Testing
import Torch
import TorchNN

@Suite struct FaceNetworkTests {
    /// PyTorch counts as many in the same network; in half precision it stays
    /// below 8 MB.
    @Test func size() {
        let network = FaceNetwork()
        #expect(network.parameterCount == 2_805_320)
        #expect(network.parameterCount * 2 < 8_000_000)
    }

    @Test func isUsedAsItWasTrained() {
        let network = FaceNetwork(outputs: 7, width: 16)
        let random = RandomSource(seed: 5)
        network.initialize(random)
        network.move(to: .cpu, format: .channelsLast)
        let images = Tensor.normal([3, 3, 64, 64], random: random).to(.channelsLast)
        // Running statistics of its own, not those of the start.
        for _ in 0..<20 { withoutGradients { _ = network(images) } }
        network.train(false)
        withoutGradients {
            let plain = withKernels(.plain) { network(images) }
            #expect(plain.shape == [3, 7])
            let folded = network.folded()(images)
            #expect((folded - plain).norm().item() / plain.norm().item() < 1e-5)
            let rounded = withAutocast(.bfloat16, on: .cpu) { network.folded()(images) }.to(.float32)
            #expect((rounded - plain).norm().item() / plain.norm().item() < 0.03)
        }
    }
}
