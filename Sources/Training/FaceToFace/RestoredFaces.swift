import Datasets
import Evaluation
import Models
import Objectives
import PretrainedWeights
import Provenance
import Recipes
import Torch
import TorchNN

/// The monitor of a restorer: held-out photographs as it was given them, as it gives them back, and as they are.
struct RestoredFaces: RunMonitor {
    private let restorer: any Restorer
    private let recipe: Recipe
    private let store: FaceStore
    private let indices: [Int]
    private let input: RestorerInput
    private let measures: [PairMeasure]
    /// The measure that says which state is the best.
    private let decides: String

    private static let facesInRow = 4

    /// - Throws: `TrainingError.refused` when no picture is held out.
    init(by restorer: any Restorer, recipe: Recipe, store: FaceStore, subset: [Int]?) throws {
        (self.restorer, self.recipe, self.store) = (restorer, recipe, store)
        indices = try recipe.heldOut(of: store, subset)
        input = RestorerInput(recipe.restoration.input)
        let all = try PairMeasure.available(side: store.size, device: restorer.device)
        // A network that the recipe trains on is no judge where there is another one.
        let others = FeatureNetworks.distanceNames.filter { name in all.contains { $0.name == name } }
        let trainsOnFaces =
            recipe.restoration.perceptual.loss.weight > 0 && recipe.restoration.perceptual.network == "face"
        let judge = trainsOnFaces ? others.first ?? "ssim" : "distance-face"
        decides = recipe.restoration.phases.adversarialWeight > 0 ? judge : "psnr"
        let wanted = Set(["psnr", "ssim", "distance-face", decides])
        measures = all.filter { wanted.contains($0.name) }
    }

    /// Triples: given, restored, true.
    func preview() -> SyntheticImage? {
        let count = min(max(1, recipe.training.previewCount / 3), indices.count)
        let wasTraining = restorer.isTraining
        restorer.train(false)
        defer { restorer.train(wasTraining) }
        let side = store.size
        return withoutGradients {
            let target = Tensor.pictures(of: store, Array(indices[..<count]), on: restorer.device)
            let given = input(target, random: RandomSource(seed: RestorationScore.seed))
            // Small pictures are seen with their pixels.
            return PhotoPreview.grid(
                [given.upsampledNearest(height: side, width: side), restorer(given), target], of: recipe,
                repeats: Self.facesInRow)
        }
    }

    /// Means over held-out pictures; against a critic, a distance of features decides, else the noise ratio.
    func scores() throws -> [RunScore] {
        let count = min(recipe.training.scoreCount, indices.count)
        let wasTraining = restorer.isTraining
        restorer.train(false)
        defer { restorer.train(wasTraining) }
        let found = try RestorationScore(
            [(recipe.name, { restorer($0) })], input: input, measures: measures, count: count,
            pictures: { .pictures(of: store, Array(indices[$0]), on: restorer.device) })
        let scores = zip(measures, found.rows[0].values).map { measure, value in
            RunScore(
                name: measure.name, label: measure.label, value: value.mean, error: value.error,
                isLowerBetter: measure.isLowerBetter)
        }
        return scores.filter { $0.name == decides } + scores.filter { $0.name != decides }
    }
}
