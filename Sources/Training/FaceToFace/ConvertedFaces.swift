import Datasets
import Evaluation
import Models
import Provenance
import Recipes
import Torch
import TorchNN

/// The monitor of a converter: held-out photographs, as they come back unchanged, and with each attribute turned.
struct ConvertedFaces: RunMonitor {
    private let converter: AttributeConverter
    private let recipe: Recipe
    private let store: FaceStore
    private let indices: [Int]
    private let columns: (asked: [Int], width: Int)

    /// - Throws: `TrainingError.refused` when no picture is held out.
    init(by converter: AttributeConverter, recipe: Recipe, store: FaceStore, subset: [Int]?) throws {
        (self.converter, self.recipe, self.store) = (converter, recipe, store)
        indices = try recipe.heldOut(of: store, subset)
        columns = try recipe.columns(of: store.labels)
    }

    /// A row for each photograph: itself, unchanged by the network, then each attribute's other value.
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
            let turned = (0..<columns.asked.count).map { column in
                converter(
                    images, changes: AttributeChanges.between(labels, changes.turned(labels, column: column)))
            }
            return PhotoPreview.grid([images, converter(images, changes: none)] + turned, of: recipe)
        }
    }

    /// The mean share of attributes that the judge finds turned, in percent; then how well faces come back.
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
                name: "flips", label: "attributes turned (%)", value: 100 * flips,
                error: 100 * (flips * (1 - flips) / Double(count)).squareRoot(),
                parts: found.lines.map { (".\($0.name)", 100 * $0.flips) }
                    + [("Leakage", 100 * mean(\.leakage)), ("Likeness", mean(\.similarity))],
                isLowerBetter: false),
            RunScore(
                name: "psnr", label: "PSNR unchanged (dB)", value: found.unchangedPSNR, error: 0,
                isLowerBetter: false),
        ]
    }

    /// Held-out photographs and their labels.
    private func pictures(_ range: Range<Int>) -> (Tensor, Tensor) {
        let chosen = Array(indices[range])
        let values = store.labels.values(of: chosen, columns: columns.asked)
        return (
            .pictures(of: store, chosen, on: converter.device),
            Tensor(values, shape: [chosen.count, columns.asked.count]).to(converter.device)
        )
    }
}
