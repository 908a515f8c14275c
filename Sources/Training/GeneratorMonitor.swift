import Datasets
import Evaluation
import Files
import Imaging
import Metrics
import Models
import Provenance
import Recipes
import Torch
import TorchNN

/// Monitor of a generator: faces from fixed latents, and their distance to the pictures of the store.
struct GeneratorMonitor: RunMonitor {
    let notes: [String]
    private let generator: any Generator
    private let sampler: LatentSampler
    private let recipe: Recipe
    private let grid: Preview
    private let sliced: SlicedWassersteinScore
    private let metrics: [Metric]
    private let networks: [FeatureExtractor]
    private let reference: StorePictures

    /// - Throws: `EvaluationError` for an unknown metric.
    init(
        of generator: any Generator, sampler: LatentSampler, recipe: Recipe, store: FaceStore, subset: [Int]?
    ) throws {
        (self.generator, self.sampler, self.recipe) = (generator, sampler, recipe)
        grid = Preview(recipe: recipe, sampler: sampler)
        sliced = SlicedWassersteinScore(sampler: sampler, store: store, subset: subset)
        reference = StorePictures(store, title: store.path, limit: recipe.training.scoreCount, among: subset)
        var (metrics, networks, notes): ([Metric], [FeatureExtractor], [String]) = ([], [], [])
        for name in recipe.training.metrics.split(separator: ",") where recipe.training.scoreKimg > 0 {
            let metric = try Metric.parse(
                String(name).replacing(" ", with: ""), networks: FeatureExtractors.names)
            // Networks are loaded at the start of a run, so that a missing file is reported at once.
            if let network = metric.network, !networks.contains(where: { $0.name == network }) {
                do {
                    networks.append(try FeatureExtractors.load(network, device: generator.device))
                } catch {
                    notes.append("metric \(metric) is omitted: \(error)")
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
    /// A score of an evaluation, with the standard error that its 95 % confidence interval implies.
    init(_ score: Score) {
        let width = score.low.flatMap { low in score.high.map { $0 - low } } ?? 0
        self.init(
            name: score.name, label: score.name, value: score.value, error: width / 3.92,
            isLowerBetter: score.isLowerBetter ?? true)
    }
}

/// Sliced Wasserstein distance on fixed pictures and fixed latents, so that scores of a run can be compared.
struct SlicedWassersteinScore {
    private let store: FaceStore
    private let indices: [Int]
    private let latents: Latents

    /// Number of real and of generated pictures, if the store has as many.
    private static let count = 1024
    /// Seed of the latents. Previews and training use others.
    private static let seed: UInt64 = 0x5C0_4E5

    init(sampler: LatentSampler, store: FaceStore, subset: [Int]?) {
        self.store = store
        let all = subset ?? Array(0..<store.count)
        // Evenly distributed, because sources are often sorted.
        let count = min(Self.count, all.count)
        indices = (0..<count).map { all[$0 * all.count / count] }
        latents = sampler.sample(max(2, count), random: RandomSource(seed: Self.seed))
    }

    /// Distance between generated faces and pictures of the store, without augmentation.
    func measure(_ generator: any Generator) -> SlicedWasserstein.Result {
        let wasTraining = generator.isTraining
        generator.train(false)
        defer { generator.train(wasTraining) }
        return SlicedWasserstein()(
            count: latents.count,
            reference: { range in
                .pictures(of: store, range.map { indices[$0 % indices.count] }, on: generator.device)
            },
            evaluated: { range in generator.fullSize(generator(latents[range].to(generator.device))) })
    }
}

/// Grids of faces from fixed latents, and an animation of them over the run.
struct Preview {
    private let latents: Latents
    private let origin: Origin

    init(recipe: Recipe, sampler: LatentSampler) {
        latents = sampler.sample(seeds: (0..<UInt64(recipe.training.previewCount)).map { $0 })
        origin = Origin(software: Origin.program, model: recipe.name, fields: [("use", "preview")])
    }

    /// A grid of generated faces.
    func grid(_ generator: any Generator) -> SyntheticImage {
        let side = generator.resolution
        let faces = GeneratorRunner(generator).pixels(latents).map {
            SyntheticImage(
                picture: Picture(width: side, height: side, channels: 3, pixels: $0), origin: origin)
        }
        return .grid(faces)
    }

    /// Whether a grid is due between two numbers of images: at 250, 500, 1,000, ... up to `every`, then at every multiple
    /// of `every`.
    static func isDue(from before: Int, to now: Int, every: Double) -> Bool {
        var mark = 250.0
        while mark < every {
            if Double(before) < mark && mark <= Double(now) { return true }
            mark *= 2
        }
        return (Double(before) / every).rounded(.down) < (Double(now) / every).rounded(.down)
    }

    /// Writes an animated PNG of at most 48 grids, at half size.
    /// - Throws: `FileError` if a grid cannot be read or the file cannot be written.
    static func writeFilm(of grids: [String], to path: String, origin software: String) throws {
        let count = min(48, grids.count)
        guard count > 1 else { return }
        let chosen = (0..<count).map { grids[$0 * (grids.count - 1) / (count - 1)] }
        var frames: [SyntheticImage] = []
        for grid in chosen {
            let file = try MappedFile(path: grid)
            // A grid that is incomplete after a kill is omitted.
            guard let decoded = try? PictureDecoder.decode(try file.bytes(0..<file.count)).picture.rgb()
            else { continue }
            let half = decoded.resized(
                width: max(1, decoded.width / 2), height: max(1, decoded.height / 2), filter: .box)
            if let first = frames.first, first.width != half.width || first.height != half.height { continue }
            frames.append(
                SyntheticImage(picture: half, origin: Origin(software: software, model: "previews")))
        }
        guard frames.count > 1 else { return }
        try AtomicFile.write(try SyntheticImage.film(frames, millisecondsPerFrame: 250), to: path)
    }
}
