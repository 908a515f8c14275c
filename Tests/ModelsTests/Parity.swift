import Models
import Objectives
import TestSupport
import Testing
import Torch
import TorchNN

/// Two networks beside what `make_models.py` found with PyTorch from the same weights, latents and pictures.
struct Parity {
    /// Largest differences that are accepted, each over the largest value of its tensor.
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

    /// Made from a seed, the networks are the example's after `torch.manual_seed` and its `weights_init`.
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
            let made = generator(Latents(z))
            #expect(made.shape == [z.shape[0], 3, generator.resolution, generator.resolution])
        }
        try restart()
        let (made, logits) = withoutGradients { (generator(Latents(z)), discriminator(images)) }
        try expect(made, "value.images", within: Self.valueTolerance)
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

    /// Ten steps of the example's loop: weights, running statistics and counts.
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
        try #require(golden[name], "the golden has no \(name)")
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
                // A normalization takes it away again, so that only rounding is left.
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
