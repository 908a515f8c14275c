import Files
import Models
import Recipes
import Settings
import Torch

/// State of a run, or a model: the content of one safetensors file with the recipe in its metadata.
///
/// Keys begin with a section: `generator.`, `average.`, `discriminator.`, `optimizer.generator.`, `random.`, ... A model file
/// has the sections of one network only.
public struct Checkpoint {
    /// Recipe of the run.
    public var recipe: Recipe
    /// Length of the training.
    public var clock: TrainingClock
    /// Other facts of the training, such as `dataProtocol`, `precision` and `seed`.
    public var facts: [String: String]
    /// Tensors; keys begin with a section.
    public var tensors: [(key: String, tensor: Tensor)]
    /// SHA-256 of the file that was read, in hexadecimal; empty for a checkpoint that was not read from a file.
    public private(set) var digest = ""

    /// - Parameters:
    ///   - recipe: recipe of the run.
    ///   - clock: length of the training.
    ///   - facts: other facts of the training.
    ///   - tensors: tensors with their section.
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

    /// Tensors of a section, with the section's name removed from their keys.
    public func section(_ name: String) -> [(key: String, tensor: Tensor)] {
        tensors.compactMap { key, tensor in
            key.hasPrefix(name + ".") ? (String(key.dropFirst(name.count + 1)), tensor) : nil
        }
    }

    /// Sections with the raw weights of the network that a model file holds: a face network has the last one.
    static let rawSections = ["generator", "network"]

    /// Weights of the network that is used for inference, and which weights these are: `.raw` if the file has no average.
    func weights(_ weights: ModelWeights) -> (state: [(key: String, tensor: Tensor)], weights: ModelWeights) {
        let average = weights == .average ? section("average") : []
        guard average.isEmpty else { return (average, .average) }
        return (section(recipe.system.kind == .attributes ? "network" : "generator"), .raw)
    }

    /// Adds a section.
    public mutating func add(_ name: String, _ section: [(key: String, tensor: Tensor)]) {
        tensors += section.map { (name + "." + $0.key, $0.tensor) }
    }

    /// Writes the file atomically, with a checksum in its metadata.
    /// - Throws: `FileError`.
    public func write(to path: String) throws {
        var metadata = facts
        metadata["format"] = Self.format
        metadata["recipe"] = recipe.yaml
        metadata["steps"] = "\(clock.steps)"
        metadata["images"] = "\(clock.images)"
        try TensorFile.write(path, tensors: tensors.map { ($0.key, $0.tensor) }, metadata: metadata)
    }

    /// Reads a file and compares it with its checksum.
    /// - Parameters:
    ///   - path: safetensors file.
    ///   - sections: sections to read, such as `["average", "generator"]`; nil for all.
    /// - Throws: `FileError` for a damaged file, `CheckpointError` for a file that is not a model or state.
    public init(path: String, sections: [String]? = nil) throws {
        let file = try TensorFile(path: path)
        // A file of another program has neither, and no checksum to compare.
        let isForeign = file.metadata["format"] == nil && file.metadata[SafetensorsFile.digestKey] == nil
        if !isForeign { try file.verify() }
        if let format = file.metadata["format"], format != Self.format, format.hasPrefix("facegan ") {
            throw CheckpointError(
                "\(path): written by another version of FaceGAN (\(format); this version reads \(Self.format))."
                    + " Use that version, or train again; `facegan train --restart` replaces a run.")
        }
        guard file.metadata["format"] == Self.format, let text = file.metadata["recipe"] else {
            throw CheckpointError(
                "\(path): a safetensors file, but not a model or state of this program. If it holds the weights of a"
                    + " generator, convert it: facegan import \(path) --out model.safetensors")
        }
        // Larger numbers would overflow sums of clocks.
        let clockRange = 0...1_000_000_000_000_000_000
        guard let steps = file.metadata["steps"].flatMap({ Int($0) }),
            let images = file.metadata["images"].flatMap({ Int($0) }), clockRange.contains(steps),
            clockRange.contains(images)
        else { throw CheckpointError("\(path): the training clock in its metadata is damaged") }
        recipe = try SettingsDocument.decode(yaml: text, path: "\(path) (recipe inside)")
        clock = TrainingClock(steps: steps, images: images)
        digest = file.metadata[SafetensorsFile.digestKey] ?? ""
        facts = file.metadata.filter { !Self.ownKeys.contains($0.key) }
        tensors = try file.names.filter { name in
            sections.map { $0.contains { name.hasPrefix($0 + ".") } } ?? true
        }.compactMap { name in try file.tensor(name).map { (name, $0) } }
    }
}

extension Checkpoint {
    /// Label rows of a conditional generator; nil for an unconditional one.
    /// - Parameter path: file for error messages.
    /// - Throws: `CheckpointError` for rows of another type or width.
    func labelRows(path: String) throws -> LabelRows? {
        guard case .adversarial(let settings) = recipe.system, !settings.conditions.attributes.isEmpty else {
            return nil
        }
        let names = settings.conditions.attributes
        guard let rows = section("labels").first(where: { $0.key == "rows" })?.tensor else {
            // Imported weights come without rows. Attributes that are not requested are unknown.
            return LabelRows(names: names, values: [], isExclusive: settings.conditions.exclusive)
        }
        guard rows.dtype == .int8, rows.rank == 2, rows.shape[1] == names.count
        else {
            throw CheckpointError(
                "\(path): the label rows do not fit the attributes of its recipe (\(names.count)); the file is damaged"
            )
        }
        return LabelRows(
            names: names, values: rows.bytes().map { Int8(bitPattern: $0) },
            isExclusive: settings.conditions.exclusive)
    }

    /// Section of a state with label rows: `rows` [count, K], int8.
    public static func section(of rows: LabelRows) -> [(key: String, tensor: Tensor)] {
        let bytes = rows.values.map { UInt8(bitPattern: $0) }
        return [("rows", Tensor(bytes: bytes, shape: [rows.count, rows.names.count], dtype: .int8))]
    }
}

/// Error for a state or model that cannot be read, written or used. The description names the file, the problem and a remedy.
public struct CheckpointError: Error, CustomStringConvertible, Sendable {
    /// Message for the user.
    public let description: String

    /// - Parameter description: message for the user.
    public init(_ description: String) { self.description = description }

    /// Error for an attribute that a model does not have, with the nearest one.
    static func noAttribute(_ name: String, among known: [String]) -> CheckpointError {
        let near = Suggestion.closest(to: name, in: known).map { " Did you mean `\($0)`?" } ?? ""
        return CheckpointError(
            "\(name): not an attribute of this model.\(near) It has " + known.joined(separator: ", "))
    }
}
