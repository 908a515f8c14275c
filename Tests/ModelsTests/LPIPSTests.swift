import Models
import Testing
import Torch
import TorchNN

/// LPIPS against the authors' package.
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
    func equalsThePackage(trunk: String, format: MemoryFormat) throws {
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
        let steepness = try golden.difference(gradient, "lpips-\(trunk)/gradient")
        #expect(steepness < 1e-4, "\(steepness)")
    }

    /// Pixels whose maps are all zero, as of a black picture, have a length without a slope.
    @Test func deadMapsHaveAGradient() throws {
        let network = AlexNet()
        withoutGradients { for (_, tensor) in network.state { tensor.zero_() } }
        let distance = LPIPS(network)
        let image = Tensor.zeros([1, 3, 64, 64]).requiringGradient()
        let value = distance(image, Tensor.ones([1, 3, 64, 64]))
        #expect(value.item() == 0)
        let gradient = try #require(gradients(of: [value.sum()], wrt: [image])[0])
        #expect(gradient.isFinite().all().item() == 1)
    }

    @Test func onlyTheCalibratedTrunksAreLPIPS() {
        #expect(LPIPS(SqueezeNet11(normalization: .caffe)).name == "squeeze perceptual distance")
    }
}
