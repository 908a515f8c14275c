import Datasets
import Models
import Recipes
import Settings
import Torch

extension Recipe {
    /// Rows of labels that a model keeps, so that what is not asked for varies as it does in pictures.
    private static let keptRows = 4096

    /// Columns of the labels that the recipe asks for, and how many the labels have.
    /// - Throws: `TrainingError.refused` for a name that they lack, with the nearest one that they have.
    func columns(of labels: Labels) throws -> (asked: [Int], width: Int) {
        let names = labels.attributeNames
        let asked = try attributeNames.map { name in
            if let column = names.firstIndex(of: name) { return column }
            let near = Suggestion.closest(to: name, in: names).map { " Did you mean `\($0)`?" } ?? ""
            throw TrainingError.refused(
                names.isEmpty
                    ? "these pictures have no attributes, which the recipe \(self.name) asks for: take CelebA with"
                        + " list_attr_celeba.txt beside its pictures, or builtin:20000"
                    : "conditions.attributes: the pictures have no attribute `\(name)`.\(near) There are: "
                        + names.joined(separator: ", "))
        }
        return (asked, names.count)
    }

    /// Some rows of the asked columns, evenly spread; nil for an unconditional recipe.
    func rows(of labels: Labels, _ columns: [Int]) -> LabelRows? {
        guard !columns.isEmpty else { return nil }
        let count = labels.attributes.isEmpty ? 0 : min(Self.keptRows, labels.count)
        let width = labels.attributeNames.count
        let values = (0..<count).flatMap { row in
            columns.map { labels.attributes[row * labels.count / count * width + $0] }
        }
        return LabelRows(names: attributeNames, values: values)
    }
}

extension ImageBatch {
    /// The asked columns of its labels, [N, K] of 1, -1, or 0 for unknown.
    /// - Parameter columns: as `Recipe.columns(of:)` gives them.
    func labels(_ columns: (asked: [Int], width: Int), on device: Device) -> Tensor {
        let values = (0..<count).flatMap { row in
            columns.asked.map { Float(attributes[row * columns.width + $0]) }
        }
        return Tensor(values, shape: [count, columns.asked.count]).to(device)
    }
}
