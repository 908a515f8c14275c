import Foundation
import Provenance
import Synthesis

/// Everything that the pixels of an edited picture depend on. It is stored in the metadata of the picture as JSON.
public struct EditRecipe: Sendable, Equatable, Codable {
    /// Arrangement of faces in a picture.
    public enum Layout: Sendable, Equatable, Codable {
        /// One edited face.
        case face
        /// Originals, and below each the edited face.
        case pairs
        /// A row for each face, from the opposite of the edit to the edit, with the original in the middle.
        case strip(Int)
        /// Two edits of one face: the first one along rows, the second one along columns, with the original in the middle.
        case grid(Int)
        /// Style mixing: rows of w+ from another face; see `StyleMix`.
        case mix(first: Int, last: Int, columns: Int)
    }

    /// An edit, and the distance of one unit; nil for a label.
    public struct Step: Sendable, Equatable, Codable {
        /// Attribute or direction.
        public let name: String
        /// Number of units.
        public let amount: Double
        /// Distance of one unit in the latent space; nil for a label of a conditional model.
        public let unit: Double?

        /// Creates a step from its parts.
        public init(name: String, amount: Double, unit: Double?) {
            (self.name, self.amount, self.unit) = (name, amount, unit)
        }
    }

    /// Version of the format.
    public var version = 1
    /// Program and version.
    public var program = Origin.program
    /// SHA-256 of the model.
    public var model: String
    /// SHA-256 of the file of directions; nil without directions.
    public var directions: String?
    /// `average` or `raw`.
    public var weights: String
    /// `fp32` or `bf16`.
    public var precision: String
    /// Truncation.
    public var psi = 1.0
    /// Number of truncated rows of w+; nil for all.
    public var cutoff: Int?
    /// Noise inputs: `const`, `random` or `none`.
    public var noise = "const"
    /// Seeds of the faces; nil for latents.
    public var seeds: [UInt64]?
    /// Latents of the faces; nil for seeds.
    public var latents: PackedLatents?
    /// Latent space of the edits: `z` or `w`.
    public var space: String
    /// Scope of conditional directions.
    public var scope = ConditionScope.independent.text
    /// First and last row of w+ that are changed; nil for all.
    public var layers: [Int]?
    /// Whether the directions are weakened along the identity axes.
    public var keepsIdentity = false
    /// Edits in their order.
    public var steps: [Step] = []
    /// Arrangement of the faces.
    public var layout = Layout.face
    /// Columns of pairs; ignored by other layouts.
    public var columns = 8

    /// Creates a recipe without faces and edits.
    public init(model: String, weights: String, precision: String, space: LatentPoint.Space) {
        (self.model, self.weights, self.precision, self.space) = (model, weights, precision, space.rawValue)
    }

    /// Name of the field of the mark.
    public static let field = "recipe"

    /// JSON in one line, with sorted keys.
    public var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // All numbers are finite, so encoding cannot fail.
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// Reads the recipe in the mark of a picture.
    /// - Parameters:
    ///   - bytes: picture file.
    ///   - path: path of the file, for errors.
    /// - Throws: `EditError` for a file without a mark or recipe, or with a recipe that is damaged or of a later version.
    public init(picture bytes: [UInt8], path: String) throws {
        guard let origin = Provenance.read(bytes) else {
            throw EditError(
                "\(path): the file has no mark of this program; only pictures of `facegan edit` and `facegan mix` can be"
                    + " replayed")
        }
        guard let text = origin[Self.field] else {
            throw EditError(
                "\(path): the mark has no edit recipe (\(origin.software)); only pictures of `facegan edit` and `facegan mix`"
                    + " can be replayed")
        }
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(text.utf8))
        } catch {
            throw EditError(
                "\(path): the edit recipe in the mark is damaged or of another version; edit the face again")
        }
        guard version == 1 else {
            throw EditError(
                "\(path): the edit recipe has version \(version), expected 1; use a later version of the program"
            )
        }
        try check(path)
    }

    /// Limits that keep a hostile file from using much memory.
    private static let (mostFaces, mostColumns) = (4096, 64)

    private func check(_ path: String) throws {
        func damaged(_ what: String) -> EditError {
            EditError("\(path): the edit recipe in the mark is not valid: \(what)")
        }
        let count = seeds?.count ?? latents?.count ?? 0
        guard (seeds == nil) != (latents == nil), (1...Self.mostFaces).contains(count) else {
            throw damaged("expected seeds or latents of 1 to \(Self.mostFaces) faces")
        }
        guard
            steps.allSatisfy({
                $0.amount.isFinite && abs($0.amount) <= Edit.limit && $0.unit?.isFinite ?? true
            }),
            psi.isFinite
        else { throw damaged("a number is out of range") }
        if let layers, layers.count != 2 || layers[0] > layers[1] || layers[0] < 0 {
            throw damaged("layers: expected a first and a last row")
        }
        guard (1...Self.mostFaces).contains(columns) else { throw damaged("columns") }
        // One row or column of the cells; the product of two numbers up to 4,096 cannot overflow.
        let side: Int
        switch layout {
        case .face: side = 1
        case .pairs: side = 2
        case .strip(let steps): side = steps
        case .grid(let steps):
            guard self.steps.count == 2, count == 1, (1...Self.mostColumns).contains(steps) else {
                throw damaged("grid")
            }
            side = steps * steps
        case .mix(let first, let last, let columns):
            guard first >= 0, first <= last, columns > 0, columns < count, columns < Self.mostColumns else {
                throw damaged("mix")
            }
            side = columns + 1
        }
        guard (1...Self.mostFaces).contains(side), count * side <= 2 * Self.mostFaces else {
            throw damaged("more than 4,096 cells")
        }
    }

    /// Layers as a range.
    var layerRange: ClosedRange<Int>? { layers.map { $0[0]...$0[1] } }

    /// Options of the directions.
    public var options: EditOptions {
        var options = EditOptions()
        options.space = LatentPoint.Space(rawValue: space)
        (options.scope, options.layers) = (ConditionScope(scope), layerRange)
        options.keepsIdentity = keepsIdentity
        return options
    }
}

/// Latents of one space, packed for the metadata of a picture.
public struct PackedLatents: Sendable, Equatable, Codable {
    /// `z`, `w` or `w+`.
    public let space: String
    /// Shape of one latent.
    public let shape: [Int]
    /// Number of latents.
    public let count: Int
    /// Float32 values of all latents, little-endian.
    public let values: Data
    /// Float32 labels, little-endian; nil for none.
    public let labels: Data?
    /// Origins for a reader.
    public let origins: [String]

    /// - Parameter points: 1 or more latents of one space and shape.
    public init(_ points: [LatentPoint]) {
        (space, shape) = (points.first?.space.rawValue ?? "z", points.first?.shape ?? [])
        count = points.count
        values = Self.data(points.flatMap(\.values))
        labels = points.first?.labels.map { _ in Self.data(points.flatMap { $0.labels ?? [] }) }
        origins = points.map(\.origin)
    }

    /// The latents.
    /// - Throws: `EditError` for sizes that contradict each other; `SynthesisError` for values that are not finite.
    public func points() throws -> [LatentPoint] {
        let values = Self.floats(self.values)
        let labels = self.labels.map(Self.floats)
        guard let space = LatentPoint.Space(rawValue: space), count > 0, values.count % count == 0,
            origins.count == count, (labels?.count ?? 0) % count == 0,
            // Larger sizes would overflow the product.
            shape.count <= 2, shape.allSatisfy({ (1...1_000_000).contains($0) })
        else { throw EditError("edit recipe: the latents are damaged; edit the face again") }
        let (size, labelSize) = (values.count / count, (labels?.count ?? 0) / count)
        return try (0..<count).map { row in
            try LatentPoint(
                space, shape: shape, values: Array(values[(row * size)..<((row + 1) * size)]),
                labels: labels.map { Array($0[(row * labelSize)..<((row + 1) * labelSize)]) },
                origin: origins[row])
        }
    }

    private static func data(_ values: [Float]) -> Data {
        var data = Data(capacity: 4 * values.count)
        for value in values {
            withUnsafeBytes(of: value.bitPattern.littleEndian) { data.append(contentsOf: $0) }
        }
        return data
    }

    private static func floats(_ data: Data) -> [Float] {
        let bytes = [UInt8](data)
        return (0..<bytes.count / 4).map { index in
            let bits = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[4 * index + $1]) << (8 * UInt32($1)) }
            return Float(bitPattern: bits)
        }
    }
}
