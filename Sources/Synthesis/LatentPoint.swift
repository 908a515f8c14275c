import Foundation
import Models
import Torch

/// Latent of one face in a latent space of a generator, as a value.
public struct LatentPoint: Sendable, Hashable {
    /// Latent space of a generator.
    public enum Space: String, Sendable, CaseIterable {
        /// Input of the generator, [Z].
        case z
        /// Intermediate space of a style generator, [W]: the same row for all layers.
        case w
        /// Intermediate space of a style generator with a row for each layer, [L, W].
        case wPlus = "w+"
    }

    /// Latent space of the point.
    public let space: Space
    /// [Z], [W] or [L, W].
    public let shape: [Int]
    /// Coordinates, row by row.
    public let values: [Float]
    /// [K] of 1 (present), -1 (absent) or 0 (unknown), for a conditional generator in space z; else nil. Values between are
    /// interpolations.
    public var labels: [Float]?
    /// Origin for a reader, such as `seed 7` or `edit Smiling +1.5`.
    public var origin: String

    /// - Parameters:
    ///   - space: latent space.
    ///   - shape: [Z], [W] or [L, W].
    ///   - values: coordinates, row by row.
    ///   - labels: [K], only in space z.
    ///   - origin: origin for a reader.
    /// - Throws: `SynthesisError` for a shape that does not fit the space or the number of values, for values that are not
    ///   finite, and for labels outside space z.
    public init(
        _ space: Space, shape: [Int], values: [Float], labels: [Float]? = nil, origin: String = ""
    ) throws {
        guard shape.count == (space == .wPlus ? 2 : 1), shape.allSatisfy({ $0 > 0 }),
            shape.reduce(1, *) == values.count
        else {
            throw SynthesisError(
                "latent in space \(space.rawValue): expected \(space == .wPlus ? "[L, W]" : "one dimension"), got shape"
                    + " \(shape) with \(values.count) values")
        }
        guard values.allSatisfy(\.isFinite), labels?.allSatisfy(\.isFinite) ?? true else {
            throw SynthesisError("latent in space \(space.rawValue): a value is not finite")
        }
        guard labels == nil || space == .z else {
            throw SynthesisError("latent in space \(space.rawValue): labels are only valid in space z")
        }
        (self.space, self.shape, self.values) = (space, shape, values)
        (self.labels, self.origin) = (labels, origin)
    }

    /// Origin, or the space of a point without one.
    var name: String { origin.isEmpty ? space.rawValue : origin }
}

/// Origin of a face: a seed, or a latent from a file or an edit.
public enum LatentSource: Sendable, Hashable {
    /// z, and labels of a conditional generator, from the random stream of the seed.
    case seed(UInt64)
    /// Latent of a file or an edit.
    case point(LatentPoint)
}

extension LatentPoint {
    /// Values [N, ...] and labels [N, K] of points of one space, shape and number of labels.
    static func tensors(_ points: [LatentPoint]) -> (values: Tensor, labels: Tensor?) {
        let (count, first) = (points.count, points[0])
        return (
            Tensor(points.flatMap(\.values), shape: [count] + first.shape),
            first.labels.map { labels in
                Tensor(points.flatMap { $0.labels! }, shape: [count, labels.count])
            }
        )
    }

    /// Points of the rows of values [N, ...] and labels [N, K].
    /// - Throws: `SynthesisError` for values that are not finite.
    static func points(_ space: Space, _ values: Tensor, labels: Tensor? = nil, origins: [String]) throws
        -> [LatentPoint]
    {
        func rows(_ tensor: Tensor) -> [[Float]] {
            let (flat, count) = (tensor.contiguous().floats(), tensor.shape[0])
            let size = flat.count / count
            return (0..<count).map { Array(flat[$0 * size..<($0 + 1) * size]) }
        }
        let (values, shape) = (rows(values), Array(values.shape.dropFirst()))
        let labelRows = labels.map(rows)
        return try origins.indices.map { row in
            try LatentPoint(
                space, shape: shape, values: values[row], labels: labelRows?[row], origin: origins[row])
        }
    }
}

/// File of latents: a safetensors file with the tensor `z`, `w` or `w+` of N rows and, for z of a conditional generator, the
/// tensor `labels`, all float32.
public struct LatentFile: Sendable, Equatable {
    /// One or more points of the same space, shape and number of labels.
    public let points: [LatentPoint]
    /// SHA-256 of the model that the latents belong to; empty if unknown.
    public let model: String

    static let format = "facegan latents 1"

    /// - Parameters:
    ///   - points: one or more points.
    ///   - model: SHA-256 of their model; empty if unknown.
    /// - Throws: `SynthesisError` for no points, or points of different spaces or shapes.
    public init(_ points: [LatentPoint], model: String = "") throws {
        guard let first = points.first else {
            throw SynthesisError("latent file: expected 1 or more latents")
        }
        guard
            points.allSatisfy({
                $0.space == first.space && $0.shape == first.shape
                    && $0.labels?.count == first.labels?.count
            })
        else {
            throw SynthesisError("latent file: expected latents of one space, shape and number of labels")
        }
        (self.points, self.model) = (points, model)
    }

    /// Writes the file atomically, with a checksum.
    /// - Throws: `FileError`.
    public func write(to path: String) throws {
        let (values, labels) = LatentPoint.tensors(points)
        let tensors =
            [(name: points[0].space.rawValue, tensor: values)] + (labels.map { [("labels", $0)] } ?? [])
        let origins = String(decoding: try JSONEncoder().encode(points.map(\.origin)), as: UTF8.self)
        try TensorFile.write(
            path, tensors: tensors,
            metadata: ["format": Self.format, "model": model, "origins": origins])
    }

    /// Reads a file, also one of another program that has a tensor `z`, `w` or `w+`.
    /// - Throws: `FileError` for a damaged file, `SynthesisError` for a file without latents.
    public init(path: String) throws {
        let file = try TensorFile(path: path)
        if file.metadata["format"] == Self.format || file.hasChecksum { try file.verify() }
        guard let space = LatentPoint.Space.allCases.first(where: { file.names.contains($0.rawValue) }),
            let values = try file.tensor(space.rawValue), values.rank == (space == .wPlus ? 3 : 2),
            values.shape[0] > 0, values.dtype.isFloatingPoint
        else {
            throw SynthesisError(
                "\(path): no latents; expected a floating-point tensor z [N, Z], w [N, W] or w+ [N, L, W]")
        }
        let labels = space == .z ? try file.tensor("labels") : nil
        guard labels.map({ $0.rank == 2 && $0.shape[0] == values.shape[0] }) ?? true else {
            throw SynthesisError(
                "\(path): labels: expected [\(values.shape[0]), K], got \(labels?.shape ?? [])")
        }
        let origins =
            file.metadata["origins"].flatMap {
                try? JSONDecoder().decode([String].self, from: Data($0.utf8))
            }
            ?? []
        do {
            try self.init(
                LatentPoint.points(
                    space, values, labels: labels,
                    origins: (0..<values.shape[0]).map { row in
                        origins.indices.contains(row) ? origins[row] : "\(path) row \(row)"
                    }), model: file.metadata["model"] ?? "")
        } catch let error as SynthesisError { throw SynthesisError("\(path): \(error)") }
    }
}

/// Error for a face that cannot be generated, or a result that cannot be written. The description names what, where and a
/// remedy.
public struct SynthesisError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Message for the user.
    public let description: String

    /// - Parameter description: message for the user.
    public init(_ description: String) { self.description = description }
}
