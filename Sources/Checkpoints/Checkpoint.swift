import Files
import Models
import Recipes
import Settings
import Torch

/// Everything of a run at one moment, or a model alone: one safetensors file with the recipe inside.
///
/// Keys are sections: `generator.`, `average.`, `discriminator.`, `optimizer.generator.`, `random.`, ... A model for use has
/// only the first two.
public struct Checkpoint {
    public var recipe: Recipe
    public var clock: TrainingClock
    /// What else is worth knowing, such as the data's protocol, the precision and the seed.
    public var facts: [String: String]
    public var tensors: [(key: String, tensor: Tensor)]

    public init(
        recipe: Recipe, clock: TrainingClock = .init(), facts: [String: String] = [:],
        tensors: [(key: String, tensor: Tensor)] = []
    ) {
        (self.recipe, self.clock, self.facts, self.tensors) = (recipe, clock, facts, tensors)
    }

    static let format = "facegan 2"
    private static let ownKeys: Set<String> = [
        "format", "recipe", "steps", "images", SafetensorsFile.digestKey,
    ]

    /// The tensors of a section, under the keys inside it.
    public func section(_ name: String) -> [(key: String, tensor: Tensor)] {
        tensors.compactMap { key, tensor in
            key.hasPrefix(name + ".") ? (String(key.dropFirst(name.count + 1)), tensor) : nil
        }
    }

    /// What makes the pictures, and which weights these are: `.raw` where a file has no average.
    func generator(_ weights: Model.Weights) -> (
        state: [(key: String, tensor: Tensor)], weights: Model.Weights
    ) {
        let average = section("average")
        return weights == .average && !average.isEmpty ? (average, .average) : (section("generator"), .raw)
    }

    /// Adds a section.
    public mutating func add(_ name: String, _ section: [(key: String, tensor: Tensor)]) {
        tensors += section.map { (name + "." + $0.key, $0.tensor) }
    }

    /// Writes the file: whole or not at all, with a checksum inside.
    public func write(to path: String) throws {
        var metadata = facts
        metadata["format"] = Self.format
        metadata["recipe"] = recipe.yaml
        metadata["steps"] = "\(clock.steps)"
        metadata["images"] = "\(clock.images)"
        try TensorFile.write(path, tensors: tensors.map { ($0.key, $0.tensor) }, metadata: metadata)
    }

    /// Reads and checks a file.
    /// - Parameter sections: read only these, such as `["average", "generator"]`; nil for all.
    /// - Throws: `FileError` for a damaged file, `CheckpointError` for one that is something else.
    public init(path: String, sections: [String]? = nil) throws {
        let file = try TensorFile(path: path)
        try file.verify()
        if let format = file.metadata["format"], format != Self.format, format.hasPrefix("facegan ") {
            throw CheckpointError(
                "\(path): written by another version of FaceGAN (\(format); this version reads \(Self.format))."
                    + " Use that version, or train again; `facegan train --restart` replaces a run.")
        }
        guard file.metadata["format"] == Self.format, let text = file.metadata["recipe"] else {
            throw CheckpointError(
                "\(path): a safetensors file, but not a model or state of this program."
                    + " `facegan import` makes one from a PyTorch state dictionary.")
        }
        guard let steps = file.metadata["steps"].flatMap({ Int($0) }),
            let images = file.metadata["images"].flatMap({ Int($0) }), steps >= 0, images >= 0
        else { throw CheckpointError("\(path): the training clock in its metadata is damaged") }
        recipe = try SettingsDocument.decode(yaml: text, path: "\(path) (recipe inside)")
        clock = TrainingClock(steps: steps, images: images)
        facts = file.metadata.filter { !Self.ownKeys.contains($0.key) }
        tensors = try file.names.filter { name in
            sections.map { $0.contains { name.hasPrefix($0 + ".") } } ?? true
        }.compactMap { name in try file.tensor(name).map { (name, $0) } }
    }
}

extension Checkpoint {
    /// The attributes that a conditional generator takes; nil for an unconditional one.
    /// - Parameter path: the file, for errors.
    /// - Throws: `CheckpointError` when the rows are damaged.
    func labelRows(path: String) throws -> LabelRows? {
        guard case .adversarial(let settings) = recipe.system, !settings.conditions.attributes.isEmpty else {
            return nil
        }
        let names = settings.conditions.attributes
        guard let rows = section("labels").first(where: { $0.key == "rows" })?.tensor else {
            // Weights of others know no pictures: what is not asked for is left open.
            return LabelRows(names: names, values: [])
        }
        guard rows.dtype == .int8, rows.rank == 2, rows.shape[1] == names.count
        else {
            throw CheckpointError(
                "\(path): the rows of labels do not fit the attributes of its recipe")
        }
        return LabelRows(names: names, values: rows.bytes().map { Int8(bitPattern: $0) })
    }

    /// What a saved state keeps of the labels.
    public static func section(of rows: LabelRows) -> [(key: String, tensor: Tensor)] {
        let bytes = rows.values.map { UInt8(bitPattern: $0) }
        return [("rows", Tensor(bytes: bytes, shape: [rows.count, rows.names.count], dtype: .int8))]
    }
}

/// A state or model that cannot be read, written or used; says what, where and what to do.
public struct CheckpointError: Error, CustomStringConvertible, Sendable {
    public let description: String

    public init(_ description: String) { self.description = description }

    /// For a name that a model does not know, with the nearest one that it does.
    static func noAttribute(_ name: String, among known: [String]) -> CheckpointError {
        let near = Suggestion.closest(to: name, in: known).map { " Did you mean `\($0)`?" } ?? ""
        return CheckpointError(
            "\(name): not an attribute of this model.\(near) It knows " + known.joined(separator: ", "))
    }
}
