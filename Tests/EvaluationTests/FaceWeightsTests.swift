import Checkpoints
import Datasets
import Evaluation
import Foundation
import Models
import PretrainedWeights
import Recipes
import SyntheticFaces
import TestSupport
import Testing
import Torch

/// The face network that comes with the program.
@Suite struct FaceWeightsTests {
    @Test func isSmallAndKnowsTheAttributes() throws {
        let path = try BundledWeights.path(of: AttributeModel.builtInFile)
        let size = try #require(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
        #expect(size <= 8_000_000)
        let model = try AttributeModel.builtIn()
        #expect(model.attributes == BuiltInFaces.attributeNames && model.network.featureCount == 256)
        #expect(model.recipe.name == "attributes" && model.facts["dataProtocol"] == "celeba64-178")
    }

    /// Drawn faces are no photographs; what is plain to see carries over all the same.
    @Test func seesWhatDrawnFacesShow() throws {
        let place = try TemporaryFolder()
        let faces = StorePictures(try EvaluatorTests.store(place, "builtin:400", "faces64"), title: "faces")
        let metric = try Metric.parse("accuracy", networks: ["face"])
        let found = try Evaluator([metric], networks: [try FeatureExtractors.load("face")], cache: nil)(faces)
        let glasses = try #require(found.accuracies.first { $0.name == "Eyeglasses" })
        #expect(glasses.balanced > 0.7, "\(glasses)")
    }

    /// CelebA's own validation part, whose persons the network never saw.
    @Test(.enabled(if: realData() != nil))
    func isRightNineTimesInTen() throws {
        let archive = try #require(realData()) + "/celeba/img_align_celeba.zip"
        var options = PictureSets.Options()
        options.part = .validation
        let photographs = try PictureSets.open(archive, options)
        let metric = try Metric.parse("accuracy", networks: ["face"])
        let found = try Evaluator([metric], networks: [try FeatureExtractors.load("face")], cache: nil)(
            photographs)
        #expect(photographs.count == 2044 && found.accuracies.count == 40)
        let mean = try #require(found.scores.first { $0.name == "accuracy" })
        #expect(mean.value >= 0.9, "\(mean.value)")
    }
}
