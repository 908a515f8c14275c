import Datasets
import Evaluation
import Models
import Recipes
import Settings
import Torch

extension Recipe {
    /// Maximum number of label rows that a model stores. Attributes without a request are drawn from these rows.
    private static let storedRows = 4096

    /// Columns of the attributes of the recipe, and the number of columns of the labels.
    /// - Throws: `TrainingError.refused` for an attribute that the labels lack, with a suggestion.
    func columns(of labels: Labels) throws -> (asked: [Int], width: Int) {
        let names = labels.attributeNames
        let asked = try attributeNames.map { name in
            if let column = names.firstIndex(of: name) { return column }
            let near = Suggestion.closest(to: name, in: names).map { " Did you mean `\($0)`?" } ?? ""
            throw TrainingError.refused(
                names.isEmpty
                    ? "these pictures have no attributes, which the recipe \(self.name) needs: use CelebA with"
                        + " list_attr_celeba.txt next to its pictures, or builtin:20000"
                    : "conditions.attributes: the pictures have no attribute `\(name)`.\(near) Use: "
                        + names.joined(separator: ", "))
        }
        return (asked, names.count)
    }

    /// Evenly distributed rows of the attributes of the recipe; nil for an unconditional recipe.
    func rows(of labels: Labels, _ columns: [Int]) -> LabelRows? {
        guard !columns.isEmpty else { return nil }
        let count = labels.attributes.isEmpty ? 0 : min(Self.storedRows, labels.count)
        let width = labels.attributeNames.count
        let values = (0..<count).flatMap { row in
            columns.map { labels.attributes[row * labels.count / count * width + $0] }
        }
        return LabelRows(names: attributeNames, values: values, isExclusive: hasClasses)
    }

    /// Whether the attributes are classes, of which each picture has exactly one.
    var hasClasses: Bool {
        if case .adversarial(let settings) = system { settings.conditions.exclusive } else { false }
    }
}

extension ImageBatch {
    /// Labels of the attributes of a recipe, [N, K] of 1, -1, or 0 for unknown.
    /// - Parameter columns: result of `Recipe.columns(of:)`.
    func labels(_ columns: (asked: [Int], width: Int), on device: Device) -> Tensor {
        Tensor(labelValues(columns), shape: [count, columns.asked.count]).to(device)
    }

    /// The labels row by row, N rows of K values.
    func labelValues(_ columns: (asked: [Int], width: Int)) -> [Float] {
        (0..<count).flatMap { row in
            columns.asked.map { Float(attributes[row * columns.width + $0]) }
        }
    }
}

extension Recipe {
    /// Indices of the validation part, which has no person of the training pictures.
    /// - Throws: `TrainingError.refused` if it is empty or shares pictures with the training pictures.
    func heldOut(of store: FaceStore, _ subset: [Int]?) throws -> [Int] {
        let indices = store.part(.validation)
        guard !indices.isEmpty, let subset, Set(subset).isDisjoint(with: indices) else {
            throw TrainingError.refused(
                "no pictures are held out for evaluation: set data.split=train, and use a source with a"
                    + " validation part (\(store.path))")
        }
        return indices
    }
}

extension Tensor {
    /// Pictures of a store on a device: [N, 3, H, H] in -1...1, channels last in memory.
    static func pictures(of store: FaceStore, _ indices: [Int], on device: Device) -> Tensor {
        pictures(store.pixels(of: indices), count: indices.count, side: store.size, on: device)
    }
}
