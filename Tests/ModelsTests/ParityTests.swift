import Foundation
import Models
import Objectives
import TestSupport
import Testing
import Torch
import TorchNN

/// Comparison of two networks with results of `make_models.py`: PyTorch with the same weights, latents and pictures.
struct Parity {
    /// Accepted differences, relative to the largest value of a tensor.
    static let valueTolerance = 1e-5
    static let gradientTolerance = 1e-4
    static let trainedTolerance = 1e-4

    let generator: any Generator
    let discriminator: any Discriminator
    private let golden: [String: Tensor]
    private let format: MemoryFormat

    init(
        _ kind: SmallFamily, filters: Int, latent: Int, resolution: Int, format: MemoryFormat,
        golden: [(name: String, tensor: Tensor)]
    ) {
        let family = kind.settings(filters: filters)
        let (first, second) = (
            GeneratorSettings(family, latent: LatentSpace(size: latent)), DiscriminatorSettings(family)
        )
        let random = RandomSource(seed: 7)
        generator = first.make(resolution: resolution, random: random)
        discriminator = second.make(resolution: resolution, random: random)
        generator.move(to: .cpu, format: format)
        discriminator.move(to: .cpu, format: format)
        self.golden = Dictionary(uniqueKeysWithValues: golden.map { ($0.name, $0.tensor) })
        self.format = format
    }

    /// Initial weights equal those of `torch.manual_seed` and the `weights_init` of the example.
    func expectSameStart() throws {
        for (name, module) in modules {
            for (key, tensor) in module.state {
                try expect(tensor, "start.\(name).\(key)", within: Self.valueTolerance)
            }
        }
    }

    func expectSameValues() throws {
        try restart()
        let (z, images) = try (latents(0), pictures(0))
        withoutGradients {
            let generated = generator(Latents(z))
            #expect(generated.shape == [z.shape[0], 3, generator.resolution, generator.resolution])
        }
        try restart()
        let (generated, logits) = withoutGradients { (generator(Latents(z)), discriminator(images)) }
        try expect(generated, "value.images", within: Self.valueTolerance)
        try expect(logits.sigmoid(), "value.probabilities", within: Self.valueTolerance)

        try generator.load(state("end.generator."))
        generator.train(false)
        defer { generator.train() }
        try expect(withoutGradients { generator(Latents(z)) }, "value.used", within: Self.valueTolerance)
    }

    func expectSameGradients() throws {
        let loss = AdversarialLoss()
        try restart()
        let fake = try generator(Latents(latents(0))).detached()
        let lossD = try loss.real(discriminator(pictures(0))) + loss.fake(discriminator(fake))
        try expect(lossD, "loss.discriminator", within: Self.valueTolerance)
        try expectGradients(of: lossD, discriminator, "discriminator")
        let kinds: [(String, AdversarialLoss.Kind)] = [
            ("nonSaturating", .nonSaturating), ("saturating", .saturating),
        ]
        for (name, kind) in kinds {
            try restart()
            let lossG = try AdversarialLoss(kind).generator(discriminator(generator(Latents(latents(0)))))
            try expect(lossG, "loss.\(name)", within: Self.valueTolerance)
            try expectGradients(of: lossG, generator, name)
        }
    }

    /// Weights, running statistics and counts after ten steps of the training loop of the example.
    func expectSameTraining() throws {
        try restart()
        let loss = AdversarialLoss()
        let optG = Adam(generator.parameters, learningRate: 2e-4, beta1: 0.5)
        let optD = Adam(discriminator.parameters, learningRate: 2e-4, beta1: 0.5)
        let steps = try tensor("latents").shape[0]
        #expect(steps == 10)
        for step in 0..<steps {
            let fake = try generator(Latents(latents(step)))
            let lossD =
                try loss.real(discriminator(pictures(step))) + loss.fake(discriminator(fake.detached()))
            optD.step(optD.gradients(of: lossD))
            optG.step(optG.gradients(of: loss.generator(discriminator(fake))))
        }
        for (name, module) in modules {
            for (key, tensor) in module.state {
                try expect(tensor, "end.\(name).\(key)", within: Self.trainedTolerance)
            }
        }
    }

    private var modules: [(name: String, module: Module)] {
        [("generator", generator), ("discriminator", discriminator)]
    }

    private func restart() throws {
        for (name, module) in modules { try module.load(state("start.\(name).")) }
    }

    private func state(_ prefix: String) -> [(key: String, tensor: Tensor)] {
        golden.compactMap {
            $0.key.hasPrefix(prefix) ? (String($0.key.dropFirst(prefix.count)), $0.value) : nil
        }
    }

    private func tensor(_ name: String) throws -> Tensor {
        try #require(golden[name], "\(name) is missing in the golden")
    }

    private func latents(_ step: Int) throws -> Tensor { try tensor("latents")[step] }

    /// [N, 3, R, R] in -1...1 from blocks of bytes.
    private func pictures(_ step: Int) throws -> Tensor {
        let coarse = try tensor("coarse")[step].to(.float32)
        let images = coarse.upsampledNearest(height: generator.resolution, width: generator.resolution)
        return (images / 127.5 - 1).to(format)
    }

    private func expectGradients(of loss: Tensor, _ module: Module, _ name: String) throws {
        let parameters = module.parameters
        let found = gradients(of: [loss], wrt: parameters.map(\.parameter.value))
        let largest = found.map { $0?.abs().max().item() ?? .infinity }.max() ?? 0
        for ((key, _), gradient) in zip(parameters, found) {
            let gradient = try #require(gradient)
            if key.hasSuffix(".bias"), gradient.abs().max().item() < 1e-5 * largest {
                // A following normalization cancels the bias, so only rounding errors remain.
                let expected = try tensor("gradient.\(name).\(key)").abs().max().item()
                #expect(expected < 1e-5 * largest, "\(name) \(key)")
            } else {
                try expect(gradient, "gradient.\(name).\(key)", within: Self.gradientTolerance)
            }
        }
    }

    private func expect(_ value: Tensor, _ name: String, within tolerance: Double) throws {
        let expected = try tensor(name)
        try #require(value.shape == expected.shape)
        let (a, b) = (value.detached().to(.float32), expected.to(.float32))
        let scale = max(b.abs().max().item(), 1e-30)
        let found = (a - b).abs().max().item() / scale
        #expect(found <= tolerance, "\(name) differs by \(found)")
    }
}

/// Values, gradients and training of the networks against PyTorch.
@Suite struct ParityTests {
    @Test(arguments: [SmallFamily.dcgan, .denseDCGAN, .residual], [MemoryFormat.contiguous, .channelsLast])
    func smallNetworksEqualPyTorch(kind: SmallFamily, format: MemoryFormat) throws {
        let golden = try TensorFile.read(goldens("Models/\(kind.rawValue).safetensors")).tensors
        let parity = Parity(
            kind, filters: 4, latent: 10, resolution: 32, format: format, golden: golden)
        // The other families have other initial scales, and biases that change only by rounding errors.
        if kind == .dcgan { try parity.expectSameStart() }
        try parity.expectSameValues()
        try parity.expectSameGradients()
        if kind == .dcgan { try parity.expectSameTraining() }
    }

    /// Full size of the example, against an installed PyTorch.
    ///
    /// Both train with the same kernels. `make_models.py` explains why other comparisons fail for millions of weights.
    @Test(.enabled("requires the Python environment of the engine") { python() != nil })
    func exampleEqualsPyTorch() throws {
        let folder = try TemporaryFolder()
        let file = folder.file("dcgan.pth")
        let script = try runProcess(
            try #require(python()),
            [
                goldens("make_models.py"), "dcgan", "--batch", "4", "--same-kernels", "--threads",
                "\(Engine.threadCount)", "--out", file,
            ], seconds: 600)
        try #require(script.status == 0, "\(script.errors)")
        let parity = Parity(
            .dcgan, filters: 64, latent: 100, resolution: 64, format: .contiguous,
            golden: try PyTorchStateDictionary.read(file))
        try parity.expectSameStart()
        try parity.expectSameValues()
        try parity.expectSameGradients()
        try withKernels(.plain) { try parity.expectSameTraining() }
    }
}

/// Python of the environment that contains the engine; nil if there is none or `TORCH_HOME` is set.
private func python() -> String? {
    guard (ProcessInfo.processInfo.environment["TORCH_HOME"] ?? "").isEmpty else { return nil }
    // `.torch` leads to VENV/lib/python3.x/site-packages/torch.
    var engine = URL(fileURLWithPath: packageRoot() + "/.torch").resolvingSymlinksInPath()
    for _ in 0..<4 { engine.deleteLastPathComponent() }
    return [packageRoot() + "/.venv", engine.path].map { $0 + "/bin/python" }
        .first { FileManager.default.isExecutableFile(atPath: $0) }
}

/// Error of bfloat16 gradients with the kernels of the package, compared with the bfloat16 convolution of libtorch.
@Suite struct PrecisionTests {
    /// Gradients of DCGAN-64 at full width. Both errors are relative to float32.
    @Test func bfloat16ErrorsAreComparable() throws {
        let random = RandomSource(seed: 3)
        let (generator, discriminator) = (DCGANGenerator(), DCGANDiscriminator())
        for network in [generator, discriminator] as [Module] { network.initialize(random) }
        let latents = Latents(Tensor.normal([16, 100], random: random))
        let weights = (generator.parameters + discriminator.parameters).map(\.parameter.value)
        func found(_ kernels: Kernels, _ rounds: Bool) throws -> [Tensor] {
            func loss() -> Tensor {
                let logits = discriminator(generator(latents), labels: nil).logits
                return logits.to(.float32).square().mean()
            }
            return try withKernels(kernels) {
                let value = rounds ? withAutocast(.bfloat16, on: .cpu) { loss() } : loss()
                return try gradients(of: [value], wrt: weights).map { try #require($0) }
            }
        }
        /// |a - b| / |b| over all weights.
        func error(_ some: [Tensor], _ exact: [Tensor]) -> Double {
            let pairs = zip(some, exact).map { ($0.flattened(), $1.flattened()) }
            let difference = Tensor.concatenated(pairs.map { $0 - $1 }).norm().item()
            return difference / Tensor.concatenated(pairs.map(\.1)).norm().item()
        }
        let exact = try found(.plain, false)
        let (plain, fast) = (error(try found(.plain, true), exact), error(try found(.fast, true), exact))
        #expect(fast < 2 * plain, "\(fast), libtorch \(plain)")
    }
}
