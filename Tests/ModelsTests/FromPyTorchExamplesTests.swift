import Foundation
import Models
import Objectives
import TestSupport
import Testing
import Torch
import TorchNN

/// Compiles and runs the Swift examples of Docs/FromPyTorch.md.
@Suite struct FromPyTorchExamplesTests {
    private let random = RandomSource(seed: 1)

    private func networks() -> (DCGANGenerator, DCGANDiscriminator) {
        let settings = {
            var s = DCGANSettings(); s.filters = 4; return s
        }()
        let netG = DCGANGenerator(settings, resolution: 16)
        let netD = DCGANDiscriminator(settings, resolution: 16)
        netG.initialize(random)
        netD.initialize(random)
        return (netG, netD)
    }

    @Test func trainingStep() {
        let (netG, netD) = networks()
        let optD = Adam(netD.parameters, learningRate: 2e-4, beta1: 0.5, beta2: 0.999)
        let optG = Adam(netG.parameters, learningRate: 2e-4, beta1: 0.5, beta2: 0.999)
        let real = Tensor.uniform([64, 3, 16, 16], -1, 1, random: random)
        let before = netG.state[0].tensor.cloned()

        let loss = AdversarialLoss(.nonSaturating)
        let z = Tensor.normal([64, 100], random: random)
        let fake = netG(Latents(z))
        let lossD = loss.real(netD(real)) + loss.fake(netD(fake.detached()))
        optD.step(gradients(of: [lossD], wrt: netD.parameters.map(\.parameter.value)))

        let lossG = loss.generator(netD(fake))
        optG.step(gradients(of: [lossG], wrt: netG.parameters.map(\.parameter.value)))

        #expect((netG.state[0].tensor - before).abs().max().item() > 0)
    }

    @Test func gradientPenalty() {
        let (netG, critic) = networks()
        let mixed = netG(Latents(Tensor.normal([4, 100], random: random)))

        let x = mixed.detached().requiringGradient()  // [N, 3, H, W]
        let g = gradients(of: [critic(x).sum()], wrt: [x], createGraph: true)[0]!
        let norms = g.reshape([g.shape[0], -1]).norm([1])  // [N]
        let penalty = (norms - 1).square().mean() * 10

        let second = gradients(of: [penalty], wrt: critic.parameters.map(\.parameter.value))
        #expect(second.contains { ($0?.abs().max().item() ?? 0) > 0 })
    }

    @Test func names() throws {
        let (netG, _) = networks()
        let x = Tensor.normal([2, 3], random: random)
        let y = Tensor.zeros(like: x)
        #expect(Tensor.concatenated([x, y]).shape == [4, 3] && Tensor.stacked([x, y]).shape == [2, 2, 3])
        #expect(x.reshape([2, -1]).permuted([1, 0]).unsqueezed(0).shape == [1, 3, 2])
        #expect(x[0].shape == [3] && x[0..<1].shape == [1, 3])
        y.add_(x)
        y.lerp_(x, weight: 0.5)
        #expect(y.floats() == x.floats())
        #expect(x.to(.float16).dtype == .float16)
        #expect(
            netG(Latents(Tensor.normal([1, 100], random: random))).to(.channelsLast).isContiguous(
                .channelsLast))
        #expect(x.binaryCrossEntropyWithLogits(x.sigmoid()).item() > 0 && x.leakyReLU(0.2).rank == 2)
        #expect(
            !withoutGradients { netG(Latents(Tensor.normal([1, 100], random: random))) }.requiresGradient)
        let half = withAutocast(.bfloat16, on: .cpu) {
            netG(Latents(Tensor.normal([1, 100], random: random)))
        }
        #expect(half.dtype == .bfloat16)
        #expect(try recoveringFromOutOfMemory { x.sum().item() }.isFinite)
        let net = Sequential(
            Conv2d(
                3, 64, kernel: 4, stride: 2, padding: 1, bias: false, initializer: .normal(deviation: 0.02)),
            Activation.leakyReLU(0.2))
        #expect(net.state[0].tensor.abs().max().item() == 0)
        net.initialize(random)
        #expect(net.state[0].tensor.abs().max().item() > 0)
        net.move(to: .cpu, format: .channelsLast)
        net.train(false)
        var found = gradients(
            of: [net(Tensor.ones([1, 3, 8, 8])).sum()], wrt: net.parameters.map(\.parameter.value))
        clipGradients(&found, maxNorm: 1)
        #expect(found[0]!.norm().item() <= 1.0001)
        _ = Adam(net.parameters, weightDecay: 0.1, decoupled: true)
    }

    @Test func weights() throws {
        let (netG, _) = networks()
        let (other, _) = networks()
        let folder = try TemporaryFolder()
        let path = folder.file("netG.safetensors")
        try TensorFile.write(path, tensors: netG.state.map { ($0.key, $0.tensor) })
        try other.load(TensorFile.read(path).tensors.map { ($0.name, $0.tensor) })
        #expect(other.state[0].tensor.floats() == netG.state[0].tensor.floats())
    }

    /// Every Swift line of the page is compiled above.
    @Test func pageContainsOnlyCompiledLines() throws {
        let page = try String(contentsOfFile: packageRoot() + "/Docs/FromPyTorch.md", encoding: .utf8)
        let own = try String(contentsOfFile: #filePath, encoding: .utf8)
        func plain(_ line: some StringProtocol) -> String {
            line.split(separator: "//").first.map { $0.trimmingCharacters(in: .whitespaces) } ?? ""
        }
        let compiled = Set(own.split(separator: "\n").map(plain))
        var isSwift = false
        var checked = 0
        for line in page.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") {
                isSwift = line == "```swift"
            } else if isSwift, !plain(line).isEmpty, !line.contains("\"netG.") {
                checked += 1
                #expect(compiled.contains(plain(line)), "not compiled: \(line)")
            }
        }
        #expect(checked >= 10)
    }
}
