import Models
import Objectives
import TensorTestSupport
import TestSupport
import Testing
import Torch
import TorchNN

/// Restoration and attribute networks and reconstruction losses against PyTorch.
///
/// Golden of make_face_to_face.py.
@Suite struct FaceToFaceTests {
    private static let valueTolerance = 1e-5
    private static let gradientTolerance = 1e-4

    /// Networks of the script, and functions from its inputs to its outputs.
    struct Network: Sendable, CustomTestStringConvertible {
        let name: String
        let make: @Sendable () -> (Module, ([Tensor]) -> [Tensor])
        var testDescription: String { name }

        static let all = [
            Network(name: "df") { autoencoder(32, 2, 4, 1) { _ in } },
            Network(name: "dfud") { autoencoder(64, 1, 4, 1) { ($0.pixelNorm, $0.halfSide) = (true, true) } },
            Network(name: "dfskips") { autoencoder(32, 2, 4, 1) { $0.skips = true } },
            Network(name: "unet") {
                let critic = PatchCritic(patchSize: 12, filters: 2)
                return (
                    critic,
                    { inputs in
                        let output = critic(inputs[0], labels: nil)
                        return [output.logits, output.pixels].compactMap { $0 }
                    }
                )
            },
            Network(name: "srresnet") {
                let network = ResidualEnlarger(enlarger(4, 2), scale: 4)
                return (network, { [network($0[0])] })
            },
            Network(name: "rrdb") {
                let network = DenseEnlarger(enlarger(4, 1, growth: 2), scale: 2)
                return (network, { [network($0[0])] })
            },
            Network(name: "converter") {
                let network = AttributeConverter(converter, attributes: 3)
                return (network, { [network($0[0], changes: $0[1])] })
            },
            Network(name: "convertercritic") {
                let critic = ConverterCritic(converter, resolution: 32, conditions: conditions)
                return (
                    critic,
                    { inputs in
                        let output = critic(inputs[0], labels: inputs[1])
                        return [output.logits, output.attributes].compactMap { $0 }
                    }
                )
            },
        ]

        private static var conditions: ConditionSettings {
            var settings = ConditionSettings()
            (settings.attributes, settings.projection) = (["Smiling", "Male", "Young"], true)
            return settings
        }

        private static var converter: ConverterSettings {
            var settings = ConverterSettings()
            (settings.filters, settings.levels, settings.criticFilters, settings.criticWidth) = (2, 3, 2, 4)
            return settings
        }

        private static func enlarger(_ filters: Int, _ blocks: Int, growth: Int = 32) -> EnlargerSettings {
            var settings = EnlargerSettings()
            (settings.filters, settings.blocks, settings.growth) = (filters, blocks, growth)
            return settings
        }

        private static func autoencoder(
            _ side: Int, _ encoder: Int, _ code: Int, _ decoder: Int,
            _ change: (inout FaceAutoencoderSettings) -> Void
        ) -> (Module, ([Tensor]) -> [Tensor]) {
            var settings = FaceAutoencoderSettings()
            (settings.encoderFilters, settings.bottleneck, settings.decoderFilters) = (encoder, code, decoder)
            change(&settings)
            let network = FaceAutoencoder(settings, resolution: side)
            return (network, { [network($0[0])] })
        }
    }

    @Test(arguments: Network.all)
    func networksEqualPyTorch(network: Network) throws {
        let golden = try goldenTensors("Models/face-to-face.safetensors")
        let (module, run) = network.make()
        let own = module.state.filter { $0.key.hasPrefix("code_") }
        let start = golden.compactMap { key, tensor in
            key.hasPrefix("\(network.name).start.")
                ? (key: String(key.dropFirst(network.name.count + 7)), tensor: tensor) : nil
        }
        // The script has no statistics of latent vectors.
        try module.load(start + own)
        module.move(to: .cpu, format: .channelsLast)
        let inputs = (0..<2).compactMap { golden["\(network.name).input\($0)"] }
        let outputs = run(inputs.map { $0.rank == 4 ? $0.to(.channelsLast) : $0 })
        for (index, output) in outputs.enumerated() {
            try expectNear(output, "\(network.name).output\(index)", golden, Self.valueTolerance)
        }
        let seeds = try outputs.indices.map { try #require(golden["\(network.name).seed\($0)"]) }
        let parameters = module.parameters
        let found = gradients(of: outputs, wrt: parameters.map(\.parameter.value), seeds: seeds)
        let largest = found.compactMap { $0?.abs().max().item() }.max() ?? 0
        for ((key, _), gradient) in zip(parameters, found) {
            let name = "\(network.name).gradient.\(key)"
            let expected = try #require(golden[name], "\(name)")
            let own = try #require(gradient, "\(name)")
            // A following normalization cancels the bias, so only rounding errors remain.
            if own.abs().max().item() < 1e-5 * largest {
                #expect(expected.abs().max().item() < 1e-5 * largest, "\(name)")
            } else {
                try expectNear(own, name, golden, Self.gradientTolerance)
            }
        }
    }

    @Test func lossEqualsPyTorch() throws {
        let golden = try goldenTensors("Models/face-to-face.safetensors")
        let x = try #require(golden["loss.x"]).cloned()
        x.requiringGradient()
        let y = try #require(golden["loss.y"])
        let loss = ReconstructionLoss(dissimilarity: 10, squared: 10, absolute: 3)(x, target: y)
        let expected = try #require(golden["loss.value"]).item()
        #expect(abs(loss.item() - expected) < 1e-5 * expected)
        let gradient = try #require(gradients(of: [loss], wrt: [x])[0])
        let known = try #require(golden["loss.gradient"]).to(.float32)
        let difference = (gradient - known).abs().max().item() / known.abs().max().item()
        #expect(difference < Self.gradientTolerance, "\(difference)")
    }

    @Test func equalPicturesHaveNoLoss() {
        for side in [64, 128, 256] {
            let x = Tensor.uniform([1, 3, side, side], -1, 1, random: RandomSource(seed: 1))
            let loss = ReconstructionLoss(dissimilarity: 10, squared: 10, absolute: 1)(x, target: x)
            #expect(abs(loss.item()) < 1e-5)
        }
        #expect(ReconstructionLoss.window(side: 128) == 11)
    }

    // MARK: Sizes

    /// Counts of the layers in the sources of DeepFaceLab: side 128, bottleneck 256, 64 channels.
    @Test func parameterCountsEqualDeepFaceLab() {
        var settings = FaceAutoencoderSettings()
        #expect(FaceAutoencoder(settings).parameterCount == 36_082_179)
        (settings.pixelNorm, settings.halfSide) = (true, true)
        #expect(FaceAutoencoder(settings).parameterCount == 32_934_540)
    }

    @Test(arguments: [
        (8, 16, 7, 55_154), (12, 16, 11, 233_650), (16, 16, 15, 233_650), (16, 32, 15, 933_218),
        (16, 64, 15, 3_730_114), (24, 16, 23, 946_994), (32, 16, 31, 946_994), (64, 16, 63, 3_799_090),
        (128, 16, 127, 9_698_354),
    ])
    func patchSizeDeterminesTheLayers(patch: Int, filters: Int, field: Int, parameters: Int) {
        let strides = PatchFields.strides(patchSize: patch)
        #expect(PatchFields.field(strides) == field)
        #expect(PatchCritic(patchSize: patch, filters: filters).parameterCount == parameters)
    }

    @Test func stridesEqualDeepFaceLab() {
        let table = [8: [2, 2], 12: [2, 1, 2], 16: [2, 2, 2], 24: [2, 2, 1, 2], 32: [2, 2, 2, 2]]
        for (patch, strides) in table { #expect(PatchFields.strides(patchSize: patch) == strides) }
    }

    @Test func patchCriticHasPatchAndPixelLogits() {
        let output = PatchCritic()(Tensor.zeros([1, 3, 128, 128]), labels: nil)
        #expect(output.logits.shape == [1, 16 * 16] && output.pixels?.shape == [1, 128 * 128])
    }

    /// BasicSR's MSRResNet and ESRGAN's RRDB network for x4.
    @Test func superResolutionParameterCountsEqualThePublished() {
        #expect(ResidualEnlarger().parameterCount == 1_517_571)
        var settings = EnlargerSettings()
        settings.blocks = 23
        #expect(DenseEnlarger(settings).parameterCount == 16_697_987)
    }

    // MARK: Latent vectors

    @Test func latentStatisticsCoverAllBatches() throws {
        var settings = FaceAutoencoderSettings()
        (settings.encoderFilters, settings.bottleneck, settings.decoderFilters) = (2, 3, 2)
        let network = FaceAutoencoder(settings, resolution: 32)
        network.initialize(RandomSource(seed: 3))
        let random = RandomSource(seed: 4)
        var latents: [Tensor] = []
        for _ in 0..<5 {
            let images = Tensor.uniform([8, 3, 32, 32], -1, 1, random: random)
            _ = network(images)
            latents.append(withoutGradients { network.encode(images) })
        }
        let all = Tensor.concatenated(latents)
        let centered = all - all.mean([0])
        let covariance = centered.transposed(0, 1).matmul(centered) / Double(all.shape[0])
        let state = Dictionary(uniqueKeysWithValues: network.state.map { ($0.key, $0.tensor) })
        let (mean, spread) = (try #require(state["code_mean"]), try #require(state["code_covariance"]))
        #expect((mean - all.mean([0])).abs().max().item() < 1e-5)
        #expect((spread - covariance).abs().max().item() < 1e-5 * covariance.abs().max().item() + 1e-9)

        // Drawn latent vectors become pictures.
        let decoder = LatentDecoder(network)
        network.train(false)
        let faces = decoder(Latents(decoder.latentSpace.sample(4, random: random)))
        #expect(faces.shape == [4, 3, 32, 32] && faces.abs().max().item() <= 1)
    }
}

/// Consequences of flipping an attribute for the labels of a face.
@Suite struct AttributeChangesTests {
    private let names = ["Smiling", "Black_Hair", "Blond_Hair", "No_Beard"]
    private var changes: AttributeChanges { AttributeChanges(names) }

    private func rows(_ tensor: Tensor) -> [[Float]] {
        let (values, width) = (tensor.floats(), tensor.shape[1])
        return stride(from: 0, to: values.count, by: width).map { Array(values[$0..<($0 + width)]) }
    }

    @Test func addedAttributesRemoveExcludedOnes() {
        let labels = Tensor(
            [1, 1, -1, 1, -1, -1, 1, -1, 1, 0, -1, 1, 1, 1, 0, 1] as [Float], shape: [4, 4])
        #expect(
            rows(changes.turned(labels, column: 2)) == [
                [1, -1, 1, 1],  // black hair becomes blond
                [-1, -1, -1, -1],  // blond hair is removed, and no other hair color is added
                [1, 0, 1, 1],  // unknown labels stay unknown
                [1, 1, 0, 1],  // and cannot be flipped
            ])
        #expect(rows(changes.turned(labels, column: 0)).map { $0[0] } == [-1, 1, -1, -1])
        let choice = Tensor(
            [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0] as [Float], shape: [4, 4])
        #expect(
            rows(changes.turned(labels, choice)) == [
                [-1, 1, -1, 1], [-1, 1, -1, -1], [1, 0, -1, -1], [1, -1, 0, 1],
            ])
    }

    @Test func onlyKnownDifferencesAreChanges() {
        let (labels, target) = (
            Tensor([1, -1, 0, 1] as [Float], shape: [1, 4]),
            Tensor([-1, -1, 1, 0] as [Float], shape: [1, 4])
        )
        #expect(rows(AttributeChanges.between(labels, target)) == [[-1, 0, 0, 0]])
    }

    @Test func requestsIncludeExcludedAttributes() {
        func text(_ requested: [(name: String, isPresent: Bool)]) -> [String] {
            AttributeChanges.completed(requested, among: names).map { "\($0.name)=\($0.isPresent ? 1 : 0)" }
        }
        #expect(text([("Blond_Hair", true)]) == ["Blond_Hair=1", "Black_Hair=0"])
        #expect(text([("Blond_Hair", true), ("Black_Hair", true)]) == ["Blond_Hair=1", "Black_Hair=1"])
        #expect(text([("Blond_Hair", false), ("Smiling", true)]) == ["Blond_Hair=0", "Smiling=1"])
        #expect(
            AttributeChanges.excludes("Goatee", "No_Beard") && !AttributeChanges.excludes("Goatee", "Goatee"))
    }
}
