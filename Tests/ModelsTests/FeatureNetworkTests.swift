import Models
import Testing
import Torch
import TorchNN

/// The networks that judge pictures against the packages that define them.
@Suite struct FeatureNetworkTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        /// The golden's name of the keys, where another network has the same.
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

    /// What FID's accuracy asks for; the pooled maps of 48 layers.
    private static let tolerance = 1e-4

    @Test(arguments: cases, [MemoryFormat.contiguous, .channelsLast])
    func featuresEqualThePackages(example: Case, format: MemoryFormat) throws {
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

    /// TensorFlow's graph takes the Inception score from logits without the bias.
    @Test func logitsEqualTorchFidelitys() throws {
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
    func tapsEqualThePackages(name: String) throws {
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

    /// Whoever trains with a judge must not train the judge.
    @Test(arguments: cases) func judgesAreFrozenAndInUse(example: Case) {
        let network = example.make()
        #expect(!network.isTraining)
        #expect(network.children.allSatisfy { !$0.module.isTraining })
        #expect(network.parameters.allSatisfy { $0.parameter.isFrozen })
    }
}
