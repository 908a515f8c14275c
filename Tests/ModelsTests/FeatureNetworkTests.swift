import Files
import Foundation
import Models
import TestSupport
import Testing
import Torch
import TorchNN

/// Results of `make_features.py` with the reference packages of the networks, and the formulas of its weights and pictures.
struct FeatureGolden {
    struct Keys: Decodable, Equatable {
        let count: Int
        let sha256: String

        init(_ module: Module) {
            let lines = module.state.map { "\($0.key) \($0.tensor.shape)\n" }
            (count, sha256) = (lines.count, Digest.sha256(lines.joined()))
        }
    }

    /// Number and hash of the keys of each network.
    let keys: [String: Keys]
    private let tensors: [String: Tensor]

    init() throws {
        let read = try TensorFile.read(goldens("Models/features.safetensors")).tensors
        tensors = Dictionary(uniqueKeysWithValues: read.map { ($0.name, $0.tensor) })
        let json = try Data(contentsOf: URL(fileURLWithPath: goldens("Models/features.json")))
        keys = try JSONDecoder().decode([String: Keys].self, from: json)
    }

    /// Largest difference relative to the largest value. Of large tensors, the golden contains every n-th value.
    func difference(_ value: Tensor, _ name: String) throws -> Double {
        let expected = try #require(tensors[name], "\(name) is missing in the golden").floats()
        var found = value.detached().contiguous().floats()
        if found.count > 400 {
            let step = (found.count + 399) / 400
            found = stride(from: 0, to: found.count, by: step).map { found[$0] }
        }
        try #require(found.count == expected.count, "\(name)")
        let largest = expected.map(abs).max() ?? 0
        let differences = zip(found, expected).map { $0.isFinite ? abs($0 - $1) : .infinity }
        return Double((differences.max() ?? .infinity) / largest)
    }

    /// Fills weights with the formula of the script.
    static func fill(_ module: Module, seed: UInt64 = 1) {
        let random = RandomSource(seed: seed)
        withoutGradients {
            for (key, tensor) in module.state where !key.hasSuffix("num_batches_tracked") {
                let (low, high) = bounds(key, tensor.shape)
                tensor.uniform_(low, high, random: random)
            }
        }
    }

    private static func bounds(_ key: String, _ shape: [Int]) -> (Double, Double) {
        if key.hasPrefix("lin") { return (0, 0.1) }
        if shape.count >= 2 {
            let limit = (6 / Double(shape.dropFirst().reduce(1, *))).squareRoot()
            return (-limit, limit)
        }
        if key.hasSuffix("running_var") { return (0.5, 1.5) }
        return key.hasSuffix("weight") ? (0.8, 1.2) : (-0.1, 0.1)
    }

    /// [N, 3, H, W] in -1...1.
    static func pictures(_ count: Int, _ height: Int, _ width: Int, from first: Int = 0) -> Tensor {
        var values: [Float] = []
        for n in first..<first + count {
            for c in 0..<3 {
                for y in 0..<height {
                    for x in 0..<width {
                        let byte = (x * (3 + n) + y * (5 + 2 * c) + x * y / 8 + 40 * c) % 256
                        values.append(Float(byte) / 127.5 - 1)
                    }
                }
            }
        }
        return Tensor(values, shape: [count, 3, height, width])
    }

    static func pictures(_ size: String) -> Tensor {
        size == "small" ? pictures(2, 48, 64) : pictures(1, 310, 320)
    }
}

/// Feature networks against their reference packages.
@Suite struct FeatureNetworkTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        /// Name of the keys in the golden, if another network has the same keys.
        var keys: String?
        let make: @Sendable () -> any FeatureNetwork
        var sizes = ["small", "large"]

        var testDescription: String { name }
    }

    static let cases = [
        Case(name: "inception-pytorch-fid", keys: "inception") { Inception() },
        Case(name: "inception-torch-fidelity", keys: "inception") { Inception(resize: .torchFidelity) },
        Case(name: "inception-torchvision") { Inception(.torchvision) },
        Case(name: "vgg16") { VGG16() },
        Case(name: "alexnet") { AlexNet() },
        Case(name: "squeezenet") { SqueezeNet11() },
        Case(
            name: "squeezenet-caffe", keys: "squeezenet", make: { SqueezeNet11(normalization: .caffe) },
            sizes: ["small"]),
        Case(name: "mobilefacenet") { MobileFaceNet() },
    ]

    private let golden: FeatureGolden

    init() throws { golden = try FeatureGolden() }

    /// Accuracy that FID requires, after 48 layers.
    private static let tolerance = 1e-4

    @Test(arguments: cases, [MemoryFormat.contiguous, .channelsLast])
    func featuresEqualTheReference(example: Case, format: MemoryFormat) throws {
        let network = example.make()
        #expect(network.name == example.name)
        #expect(try #require(golden.keys[example.keys ?? example.name]) == FeatureGolden.Keys(network))
        FeatureGolden.fill(network)
        network.move(to: .cpu, format: format)
        for size in example.sizes {
            let images = FeatureGolden.pictures(size).to(format)
            let found = withoutGradients { network.features(images) }
            #expect(found.shape == [images.shape[0], network.featureCount])
            let difference = try golden.difference(found, "\(example.name)/\(size)")
            #expect(difference < Self.tolerance, "\(size): \(difference)")
        }
    }

    /// The TensorFlow graph computes the Inception score from logits without the bias.
    @Test func logitsEqualTorchFidelity() throws {
        let network = Inception(resize: .torchFidelity)
        FeatureGolden.fill(network)
        for size in ["small", "large"] {
            let features = withoutGradients { network.features(FeatureGolden.pictures(size)) }
            let name = "inception-torch-fidelity/\(size)"
            let found = (network.logits(of: features), network.logits(of: features, biased: true))
            #expect(found.0.shape == [features.shape[0], 1008])
            #expect(try golden.difference(found.0, name + "/logits") < Self.tolerance)
            #expect(try golden.difference(found.1, name + "/biased") < Self.tolerance)
        }
    }

    @Test(arguments: ["vgg16", "alexnet", "squeezenet"])
    func tapsEqualTheReference(name: String) throws {
        let example = try #require(Self.cases.first { $0.name == name })
        let network = try #require(example.make() as? any TappedNetwork)
        FeatureGolden.fill(network)
        let maps = withoutGradients {
            network.taps(PictureNormalization.imageNet(FeatureGolden.pictures("small")))
        }
        #expect(maps.map { $0.shape[1] } == network.tapChannels)
        for (index, map) in maps.enumerated() {
            let difference = try golden.difference(map, "\(name)/tap\(index)")
            #expect(difference < 1e-5, "tap \(index): \(difference)")
        }
    }

    /// Training with a feature network must not change the network.
    @Test(arguments: cases) func networksAreFrozenAndInEvaluationMode(example: Case) {
        let network = example.make()
        #expect(!network.isTraining)
        #expect(network.children.allSatisfy { !$0.module.isTraining })
        #expect(network.parameters.allSatisfy { $0.parameter.isFrozen })
    }
}

/// LPIPS against the package of the authors.
@Suite struct LPIPSTests {
    static let trunks = ["vgg", "alex", "squeeze"]

    private static func make(_ trunk: String) -> LPIPS {
        let network: any TappedNetwork =
            switch trunk {
            case "vgg": VGG16()
            case "alex": AlexNet()
            default: SqueezeNet11()
            }
        FeatureGolden.fill(network)
        let distance = LPIPS(network)
        FeatureGolden.fill(distance.heads, seed: 2)
        return distance
    }

    @Test(arguments: trunks, [MemoryFormat.contiguous, .channelsLast])
    func equalsTheReference(trunk: String, format: MemoryFormat) throws {
        let golden = try FeatureGolden()
        let distance = Self.make(trunk)
        #expect(golden.keys["lpips-\(trunk)"] == FeatureGolden.Keys(distance.heads))
        #expect(distance.name == "LPIPS 0.1 (\(trunk))")
        distance.move(to: .cpu, format: format)
        let a = FeatureGolden.pictures(3, 72, 64)
        let other = FeatureGolden.pictures(3, 72, 64, from: 4)
        let b = Tensor.stacked([a[0] * 0.5, other[1], a[2].flipped([2])])
        let leaf = a.to(format).detached().requiringGradient()
        let values = distance(leaf, b.to(format))
        #expect(values.shape == [3])
        let difference = try golden.difference(values, "lpips-\(trunk)/distance")
        #expect(difference < 1e-5, "\(difference)")
        let gradient = try #require(gradients(of: [values.sum()], wrt: [leaf])[0])
        let gradientDifference = try golden.difference(gradient, "lpips-\(trunk)/gradient")
        #expect(gradientDifference < 1e-4, "\(gradientDifference)")
    }

    /// Pixels whose maps are all zero have a finite gradient.
    @Test func zeroMapsHaveAFiniteGradient() throws {
        let network = AlexNet()
        withoutGradients { for (_, tensor) in network.state { tensor.zero_() } }
        let distance = LPIPS(network)
        let image = Tensor.zeros([1, 3, 64, 64]).requiringGradient()
        let value = distance(image, Tensor.ones([1, 3, 64, 64]))
        #expect(value.item() == 0)
        let gradient = try #require(gradients(of: [value.sum()], wrt: [image])[0])
        #expect(gradient.isFinite().all().item() == 1)
    }

    @Test func onlyCalibratedNetworksAreNamedLPIPS() {
        #expect(LPIPS(SqueezeNet11(normalization: .caffe)).name == "squeeze perceptual distance")
    }
}

/// Size and folded inference of the face classifier.
@Suite struct FaceNetworkTests {
    /// The parameter count equals that of PyTorch. In half precision the file stays below 8 MB.
    @Test func parameterCountIsKnown() {
        let network = FaceNetwork()
        #expect(network.parameterCount == 2_805_320)
        #expect(network.parameterCount * 2 < 8_000_000)
    }

    @Test func foldedNetworkEqualsTheNetwork() {
        let network = FaceNetwork(outputs: 7, width: 16)
        let random = RandomSource(seed: 5)
        network.initialize(random)
        network.move(to: .cpu, format: .channelsLast)
        let images = Tensor.normal([3, 3, 64, 64], random: random).to(.channelsLast)
        // Moves the running statistics away from their initial values.
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
