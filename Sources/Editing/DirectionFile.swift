import Checkpoints
import Files
import Foundation
import PretrainedWeights
import Synthesis
import Torch

/// File of a `DirectionSet`: safetensors with vectors in half precision, and texts in the metadata.
public struct DirectionFile: Sendable {
    /// The directions.
    public let set: DirectionSet
    /// SHA-256 of the file's tensors and metadata.
    public let digest: String
    /// Path of the file.
    public let path: String

    static let format = "facegan directions 1"
    private static let ending = "directions.safetensors"

    /// Path of the directions of a model: `directions.safetensors` in a run directory, or `NAME.directions.safetensors` beside
    /// `NAME.safetensors`.
    /// - Parameter source: a run directory, a model file, or the name of an included model.
    /// - Throws: as `ModelFile(_:state:)`.
    public static func path(of source: String) throws -> String {
        let model = try ModelFile(source).path
        if isFolder(source) { return (source.hasSuffix("/") ? source : source + "/") + ending }
        return (model as NSString).deletingPathExtension + "." + ending
    }

    /// Path at which the directions of a model are written by default: as `path(of:)`, but in the current folder for an included
    /// model.
    /// - Throws: as `ModelFile(_:state:)`.
    public static func outputPath(of source: String) throws -> String {
        BundledModels.isName(source) ? "\(source).\(ending)" : try path(of: source)
    }

    private static func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
    }

    // MARK: Writing

    private struct Text: Codable {
        struct Space: Codable {
            let names: [String]
            let kinds: [String]
            let attributes: [String]
            let methods: [String]
        }
        let attributes: [String]
        let spaces: [String: Space]
        let logitsPerUnit: Double
        let samples: Int
        let network: String
        let identityNetwork: String
    }

    /// Writes a set atomically, with a checksum.
    /// - Throws: `FileError`.
    public static func write(_ set: DirectionSet, to path: String) throws {
        var tensors: [(name: String, tensor: Tensor)] = [
            ("logits.mean", Tensor(set.means)), ("logits.deviation", Tensor(set.deviations)),
            ("logits.correlation", matrix(set.correlations)),
        ]
        var spaces: [String: Text.Space] = [:]
        for space in set.spaces {
            let (key, all) = (space.space.rawValue, space.normals + space.unsupervised)
            spaces[key] = Text.Space(
                names: all.map(\.name), kinds: all.map(\.kind.rawValue), attributes: all.map(\.attribute),
                methods: space.qualities.map(\.method))
            for (name, directions) in [("directions", all), ("conditional", space.conditional)] {
                tensors += [
                    ("\(key).\(name)", matrix(directions.map(\.vector)).to(.float16)),
                    ("\(key).\(name).unit", Tensor(doubles: directions.map(\.unit))),
                    ("\(key).\(name).effects", matrix(directions.map(\.effects))),
                ]
            }
            tensors += [
                ("\(key).accuracy", Tensor(doubles: space.qualities.map(\.accuracy))),
                ("\(key).correlation", Tensor(doubles: space.qualities.map(\.correlation))),
                ("\(key).cosines", matrix(space.cosines)),
                ("\(key).identity", matrix(space.identityAxes).to(.float16)),
                ("\(key).identity.share", Tensor(space.identityShares)),
            ]
        }
        let text = Text(
            attributes: set.attributes, spaces: spaces, logitsPerUnit: set.logitsPerUnit,
            samples: set.samples, network: set.network, identityNetwork: set.identityNetwork)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        try TensorFile.write(
            path, tensors: tensors,
            metadata: [
                "format": format, "model": set.model,
                "directions": String(decoding: try encoder.encode(text), as: UTF8.self),
            ])
    }

    private static func matrix(_ rows: [[Float]]) -> Tensor {
        Tensor(rows.flatMap { $0 }, shape: [rows.count, rows.first?.count ?? 0])
    }

    // MARK: Reading

    /// Reads a file.
    /// - Parameter path: path of the file.
    /// - Throws: `FileError` for a damaged file, `EditError` for a file without directions or with contradicting sizes.
    public init(path: String) throws {
        let (tensors, metadata) = try TensorFile.read(path, requiringChecksum: false)
        guard metadata["format"] == Self.format, let json = metadata["directions"],
            let text = try? JSONDecoder().decode(Text.self, from: Data(json.utf8))
        else {
            throw EditError(
                "\(path): no directions of this version; write them with `facegan directions MODEL --out \(path)`"
            )
        }
        let reader = Reader(
            path: path, tensors: Dictionary(tensors.map { ($0.name, $0.tensor) }, uniquingKeysWith: { $1 }))
        let count = text.attributes.count
        guard count > 0, text.logitsPerUnit.isFinite, text.logitsPerUnit > 0 else {
            throw EditError(
                "\(path): no attributes or no unit; write the file again with `facegan directions`")
        }
        let order: [LatentPoint.Space] = [.z, .w]
        let spaces = try order.compactMap { space in
            try text.spaces[space.rawValue].map { try reader.space(space, $0, text.attributes) }
        }
        guard !spaces.isEmpty else { throw EditError("\(path): no latent space; write the file again") }
        set = DirectionSet(
            attributes: text.attributes, spaces: spaces, means: try reader.vector("logits.mean", count),
            deviations: try reader.vector("logits.deviation", count),
            correlations: try reader.matrix("logits.correlation", count, count),
            logitsPerUnit: text.logitsPerUnit, samples: text.samples, model: metadata["model"] ?? "",
            network: text.network, identityNetwork: text.identityNetwork)
        digest = metadata[SafetensorsFile.digestKey] ?? ""
        self.path = path
    }

    private struct Reader {
        let path: String
        let tensors: [String: Tensor]

        func vector(_ name: String, _ count: Int) throws -> [Float] {
            try tensor(name, [count]).floats()
        }

        /// Rows of a matrix; any number of columns if `columns` is nil.
        func matrix(_ name: String, _ rows: Int?, _ columns: Int?) throws -> [[Float]] {
            guard let found = tensors[name], found.rank == 2 else { throw damaged(name, "a matrix") }
            let (height, width) = (found.shape[0], found.shape[1])
            guard rows ?? height == height, columns ?? width == width else {
                throw damaged(name, "[\(rows ?? height), \(columns ?? width)]")
            }
            let flat = try values(found, name)
            return (0..<height).map { Array(flat[($0 * width)..<(($0 + 1) * width)]) }
        }

        private func tensor(_ name: String, _ shape: [Int]) throws -> Tensor {
            guard let found = tensors[name], found.shape == shape else { throw damaged(name, "\(shape)") }
            _ = try values(found, name)
            return found
        }

        private func values(_ tensor: Tensor, _ name: String) throws -> [Float] {
            guard tensor.dtype.isFloatingPoint else { throw damaged(name, "numbers with a fraction") }
            let values = tensor.contiguous().floats()
            guard values.allSatisfy(\.isFinite) else { throw damaged(name, "finite values") }
            return values
        }

        private func damaged(_ name: String, _ expected: String) -> EditError {
            EditError(
                "\(path): \(name): expected \(expected), got \(tensors[name]?.summary ?? "nothing"); write the file again"
                    + " with `facegan directions`")
        }

        func space(_ space: LatentPoint.Space, _ text: Text.Space, _ names: [String]) throws
            -> SpaceDirections
        {
            let (key, count, all) = (space.rawValue, names.count, text.names.count)
            guard all >= count, text.kinds.count == all, text.attributes.count == all,
                text.methods.count == count, Array(text.names.prefix(count)) == names
            else {
                throw EditError("\(path): the names of the space \(key) do not fit; write the file again")
            }
            func directions(_ name: String, _ range: Range<Int>) throws -> [Direction] {
                let vectors = try matrix("\(key).\(name)", range.count, nil)
                let units = try tensor("\(key).\(name).unit", [range.count]).doubles()
                let effects = try matrix("\(key).\(name).effects", range.count, count)
                return try range.map { index in
                    guard let kind = Direction.Kind(rawValue: text.kinds[index]), units[index] > 0 else {
                        throw damaged("\(key).\(name).unit", "known kinds and positive units")
                    }
                    return Direction(
                        name: text.names[index], kind: kind, attribute: text.attributes[index],
                        vector: Vectors.normalized(vectors[index]), unit: units[index],
                        effects: effects[index])
                }
            }
            let found = try directions("directions", 0..<all)
            let accuracies = try tensor("\(key).accuracy", [count]).doubles()
            let correlations = try tensor("\(key).correlation", [count]).doubles()
            let width = found[0].vector.count
            let axes = try matrix("\(key).identity", nil, width)
            return SpaceDirections(
                space: space, normals: Array(found.prefix(count)),
                conditional: try directions("conditional", 0..<count),
                unsupervised: Array(found.dropFirst(count)),
                qualities: (0..<count).map {
                    NormalQuality(
                        method: text.methods[$0], accuracy: accuracies[$0], correlation: correlations[$0])
                }, identityAxes: axes, identityShares: try vector("\(key).identity.share", axes.count))
        }
    }
}

extension DirectionFile {
    /// Opens the directions of a model.
    /// - Parameters:
    ///   - source: a run directory, a model file, or the name of an included model.
    ///   - path: path of the file; nil for that of `path(of:)`.
    ///   - digest: SHA-256 of the loaded model.
    /// - Throws: `EditError` if there is no file, or if it belongs to another model; `FileError` for a damaged file.
    public static func open(_ source: String, path: String? = nil, digest: String) throws -> DirectionFile {
        let place = try path ?? self.path(of: source)
        guard FileManager.default.fileExists(atPath: place) else {
            throw EditError(
                "\(place): no directions of this model; find them with `facegan directions \(source)`")
        }
        let file = try DirectionFile(path: place)
        guard file.set.model == digest else {
            throw EditError(
                "\(place): the directions belong to the model \(file.set.model.prefix(12)), not to \(source)"
                    + " (\(digest.prefix(12))); find them again with `facegan directions \(source)`")
        }
        return file
    }
}
