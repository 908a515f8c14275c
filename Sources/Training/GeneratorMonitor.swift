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
    private let generator: any Generator
    private let sampler: LatentSampler
    private let recipe: Recipe
    private let grid: Preview
    private let sliced: SlicedWassersteinScore
    private let metrics: [Metric]
    private let networks: [FeatureExtractor]
    private let reference: StorePictures

    /// - Throws: `TrainingError.refused` for metrics that are unknown or cannot be computed on these pictures, and for missing
    ///   weights.
    init(
        of generator: any Generator, sampler: LatentSampler, recipe: Recipe, store: FaceStore, subset: [Int]?
    ) throws {
        (self.generator, self.sampler, self.recipe) = (generator, sampler, recipe)
        grid = Preview(recipe: recipe, sampler: sampler)
        sliced = SlicedWassersteinScore(sampler: sampler, store: store, subset: subset)
        reference = StorePictures(store, title: store.path, limit: recipe.training.scoreCount, among: subset)
        do {
            metrics = try Self.metrics(of: recipe.training, pictures: reference.count, side: store.size)
            // Networks are loaded at the start of a run, so that a missing file is reported at once.
            networks = try Set(metrics.compactMap(\.network)).sorted().map {
                try FeatureExtractors.load($0, device: generator.device)
            }
        } catch {
            throw TrainingError.refused(
                "training.metrics: \(error)\nThe run does not start, because it could not compute its scores. Change the metrics"
                    + " (--set training.metrics=swd), or omit scores (--set training.scoreKimg=0).")
        }
    }

    /// Metrics of the settings. A metric of pixels is the default.
    /// - Throws: `EvaluationError` for a metric that is unknown or cannot be computed during a training.
    private static func metrics(
        of settings: TrainingSettings, pictures: Int, side: Int
    ) throws -> [Metric] {
        guard settings.scoreKimg > 0 else { return [] }
        let names = settings.metrics.split(separator: ",").map { $0.filter { $0 != " " } }
        let metrics = try names.map { try Metric.parse($0, networks: FeatureExtractors.names) }
        for metric in metrics where metric.kind == .accuracy || metric.kind == .pathLength {
            throw EvaluationError("\(metric) requires a saved model; use `facegan evaluate`")
        }
        let wanted = metrics.isEmpty ? [Metric(.slicedWasserstein)] : metrics
        for metric in wanted {
            if let obstacle = metric.obstacle(
                evaluated: settings.scoreCount, reference: pictures, side: side)
            {
                throw EvaluationError(obstacle)
            }
        }
        return wanted
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
