import Datasets
import Evaluation
import Imaging
import Models
import Objectives
import PretrainedWeights
import Provenance
import Recipes
import Torch
import TorchNN

/// Monitor of a converter: held-out photographs without changes and with each attribute flipped.
struct ConversionMonitor: RunMonitor {
    private let converter: AttributeConverter
    private let recipe: Recipe
    private let store: FaceStore
    private let indices: [Int]
    private let columns: (asked: [Int], width: Int)

    /// - Throws: `TrainingError.refused` if no picture is held out or an attribute is missing.
    init(of converter: AttributeConverter, recipe: Recipe, store: FaceStore, subset: [Int]?) throws {
        (self.converter, self.recipe, self.store) = (converter, recipe, store)
        indices = try recipe.heldOut(of: store, subset)
        columns = try recipe.columns(of: store.labels)
    }

    /// One row for each photograph: the photograph, its conversion without changes, and one conversion for each attribute.
    func preview() -> SyntheticImage? {
        let width = recipe.conversion.conditions.attributes.count + 2
        let count = min(max(1, recipe.training.previewCount / width), indices.count)
        let (images, labels) = pictures(0..<count)
        let wasTraining = converter.isTraining
        converter.train(false)
        defer { converter.train(wasTraining) }
        return withoutGradients {
            let none = Tensor.zeros(like: labels)
            let changes = AttributeChanges(recipe.conversion.conditions.attributes, on: converter.device)
            let flipped = (0..<columns.asked.count).map { column in
                converter(
                    images, changes: AttributeChanges.between(labels, changes.turned(labels, column: column)))
            }
            return PhotoPreview.grid([images, converter(images, changes: none)] + flipped, of: recipe)
        }
    }

    /// Success rate of attribute changes in percent, as measured by the face network, and PSNR without changes.
    func scores() throws -> [RunScore] {
        let count = min(recipe.training.scoreCount, indices.count)
        let found = try ConversionScore(
            converter, attributes: recipe.conversion.conditions.attributes, count: count, pictures: pictures)
        func mean(_ value: (ConversionScore.Line) -> Double) -> Double {
            found.lines.map(value).reduce(0, +) / Double(max(1, found.lines.count))
        }
        let flips = mean(\.flips)
        return [
            RunScore(
                name: "flips", label: "changed attributes (%)", value: 100 * flips,
                error: 100 * (flips * (1 - flips) / Double(count)).squareRoot(),
                parts: found.lines.map { (".\($0.name)", 100 * $0.flips) }
                    + [("Leakage", 100 * mean(\.leakage)), ("Likeness", mean(\.similarity))],
                isLowerBetter: false),
            RunScore(
                name: "psnr", label: "PSNR without changes (dB)", value: found.unchangedPSNR, error: 0,
                isLowerBetter: false),
        ]
    }

    /// Held-out photographs [N, 3, side, side] in -1...1 and their labels [N, K].
    private func pictures(_ range: Range<Int>) -> (Tensor, Tensor) {
        let chosen = Array(indices[range])
        let values = store.labels.values(of: chosen, columns: columns.asked)
        return (
            .pictures(of: store, chosen, on: converter.device),
            Tensor(values, shape: [chosen.count, columns.asked.count]).to(converter.device)
        )
    }
}

/// Monitor of a restorer: input, output and target of held-out photographs.
struct RestorationMonitor: RunMonitor {
    private let restorer: any Restorer
    private let recipe: Recipe
    private let store: FaceStore
    private let indices: [Int]
    private let input: RestorerInput
    private let measures: [PairMeasure]
    /// Name of the measure that selects the best state.
    private let decisive: String

    private static let facesInRow = 4

    /// - Throws: `TrainingError.refused` if no picture is held out.
    init(of restorer: any Restorer, recipe: Recipe, store: FaceStore, subset: [Int]?) throws {
        (self.restorer, self.recipe, self.store) = (restorer, recipe, store)
        indices = try recipe.heldOut(of: store, subset)
        input = RestorerInput(recipe.restoration.input)
        let all = try PairMeasure.available(side: store.size, device: restorer.device)
        // The feature network of the training loss is not used for the score if another one is available.
        let others = FeatureNetworks.distanceNames.filter { name in all.contains { $0.name == name } }
        let trainsOnFaces =
            recipe.restoration.perceptual.loss.weight > 0 && recipe.restoration.perceptual.network == "face"
        let distance = trainsOnFaces ? others.first ?? "ssim" : "distance-face"
        decisive = recipe.restoration.phases.adversarialWeight > 0 ? distance : "psnr"
        let wanted = Set(["psnr", "ssim", "distance-face", decisive])
        measures = all.filter { wanted.contains($0.name) }
    }

    /// Columns: input, output, target.
    func preview() -> SyntheticImage? {
        let count = min(max(1, recipe.training.previewCount / 3), indices.count)
        let wasTraining = restorer.isTraining
        restorer.train(false)
        defer { restorer.train(wasTraining) }
        let side = store.size
        return withoutGradients {
            let target = Tensor.pictures(of: store, Array(indices[..<count]), on: restorer.device)
            let inputs = input(target, random: RandomSource(seed: RestorationScore.seed))
            // Inputs of super resolution are enlarged without interpolation.
            return PhotoPreview.grid(
                [inputs.upsampledNearest(height: side, width: side), restorer(inputs), target], of: recipe,
                repeats: Self.facesInRow)
        }
    }

    /// Means over held-out pictures. With a critic a feature distance selects the best state, otherwise PSNR.
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
        return scores.filter { $0.name == decisive } + scores.filter { $0.name != decisive }
    }
}

/// Grids of photographs and outputs of a network.
enum PhotoPreview {
    /// Creates a grid with the pictures of one index in adjacent cells.
    /// - Parameters:
    ///   - columns: pictures [N, 3, side, side] in -1...1, of equal shape.
    ///   - repeats: number of indices in one row of the grid.
    static func grid(_ columns: [Tensor], of recipe: Recipe, repeats: Int = 1) -> SyntheticImage {
        let origin = Origin(
            software: Origin.program, model: recipe.name, fields: [("use", "preview")],
            source: .compositeWithTrainedAlgorithmicMedia)
        let (count, side) = (columns[0].shape[0], columns[0].shape[3])
        let size = side * side * 3
        let bytes = columns.map { $0.to(.float32).pixels().bytes() }
        let cells = (0..<count).flatMap { row in
            bytes.map { bytes in
                SyntheticImage(
                    picture: Picture(
                        width: side, height: side, channels: 3,
                        pixels: Array(bytes[(row * size)..<((row + 1) * size)])), origin: origin)
            }
        }
        return .grid(cells, columns: repeats * columns.count)
    }
}
