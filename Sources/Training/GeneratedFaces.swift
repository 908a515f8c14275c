import Datasets
import Evaluation
import Metrics
import Models
import Provenance
import Recipes
import Torch
import TorchNN

/// The monitor of a generator: faces from the same latents, and their distances to the store's.
struct GeneratedFaces: RunMonitor {
    let notes: [String]
    private let generator: any Generator
    private let sampler: LatentSampler
    private let recipe: Recipe
    private let grid: Preview
    private let sliced: FixedScore
    private let metrics: [Metric]
    private let networks: [FeatureExtractor]
    private let reference: StorePictures

    /// - Throws: `EvaluationError` for a metric that does not exist.
    init(
        of generator: any Generator, sampler: LatentSampler, recipe: Recipe, store: FaceStore, subset: [Int]?
    ) throws {
        (self.generator, self.sampler, self.recipe) = (generator, sampler, recipe)
        grid = Preview(recipe: recipe, sampler: sampler)
        sliced = FixedScore(sampler: sampler, store: store, subset: subset)
        reference = StorePictures(store, title: store.path, limit: recipe.training.scoreCount, among: subset)
        var (metrics, networks, notes): ([Metric], [FeatureExtractor], [String]) = ([], [], [])
        for name in recipe.training.metrics.split(separator: ",") where recipe.training.scoreKimg > 0 {
            let metric = try Metric.parse(
                String(name).replacing(" ", with: ""), networks: FeatureExtractors.names)
            // Hours into a run is no time to find out that a file is missing.
            if let network = metric.network, !networks.contains(where: { $0.name == network }) {
                do {
                    networks.append(try FeatureExtractors.load(network, device: generator.device))
                } catch {
                    notes.append("\(metric) is left out: \(error)")
                    continue
                }
            }
            metrics.append(metric)
        }
        if recipe.training.scoreKimg > 0, metrics.isEmpty { metrics = [Metric(.slicedWasserstein)] }
        (self.metrics, self.networks, self.notes) = (metrics, networks, notes)
    }

    func preview() -> SyntheticImage? { grid.grid(generator) }

    func scores() throws -> [RunScore] {
        let others = metrics.filter { $0.kind != .slicedWasserstein }
        let sliced = others.count < metrics.count ? [slicedScore()] : []
        guard !others.isEmpty else { return sliced }
        let faces = GeneratorPictures(
            generator, sampler: sampler, count: recipe.training.scoreCount, data: reference.data)
        let evaluator = Evaluator(others, networks: networks, device: generator.device)
        let found = try evaluator(faces, against: reference).scores.map(RunScore.init)
        return metrics[0].kind == .slicedWasserstein ? sliced + found : found + sliced
    }

    private func slicedScore() -> RunScore {
        let found = sliced.measure(generator)
        return RunScore(
            name: "slicedWasserstein", label: "sliced Wasserstein", value: found.value, error: found.error,
            parts: found.levels.map { ("\($0.side)", $0.value) })
    }
}

extension RunScore {
    /// A line of an evaluation.
    init(_ score: Score) {
        let reach = score.low.flatMap { low in score.high.map { $0 - low } } ?? 0
        self.init(
            name: score.name, label: score.name, value: score.value, error: reach / 3.92,
            isLowerBetter: score.isLowerBetter ?? true)
    }
}
