import Imaging
import SyntheticFaces

/// Rendered faces with exact labels and landmarks. Pictures are rendered on request.
///
/// The specification is `builtin:2000` or `builtin:2000@7` (number of faces and optional seed).
public struct BuiltInFacesSource: PictureSource {
    /// The specification of the source.
    public let name: String
    /// Names of the faces, `face000000` and following.
    public let names: [String]
    /// Attributes and landmarks of all faces.
    public let labels: Labels
    /// Hash of the number of faces, the seed and the output of the renderer.
    public let fingerprint: String
    /// The kind, `builtIn`.
    public var kind: SourceKind { .builtIn }
    private let faces: BuiltInFaces

    /// Side of the square in which the landmarks are given, in pixels.
    public var landmarkFrame: Int? { BuiltInFacesSource.landmarkFrame }
    private static let landmarkFrame = 256

    /// Creates a source of `count` faces. `count` must be positive.
    public init(count: Int, seed: UInt64 = 0) {
        precondition(count > 0, "BuiltInFacesSource: expected at least one face, got \(count)")
        name = "builtin:\(count)" + (seed == 0 ? "" : "@\(seed)")
        faces = BuiltInFaces(seed: seed)
        names = (0..<count).map { index in
            let digits = String(index)
            return "face" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
        }
        var labels = Labels(count: count)
        labels.attributeNames = BuiltInFaces.attributeNames
        var print = Fingerprint("builtin")
        print.add(count)
        print.add(seed)
        for index in 0..<count {
            let face = faces.labels(index, size: BuiltInFacesSource.landmarkFrame)
            labels.attributes += face.attributes
            for point in face.landmarks { labels.landmarks += [point.x, point.y] }
        }
        // Rendered pixels are hashed so that stores packed by a different renderer are not reused.
        for index in 0..<min(count, 8) { print.add(contentsOf: faces.face(index, size: 32).picture.pixels) }
        self.labels = labels
        fingerprint = print.finish()
    }

    /// Parses `builtin:COUNT` or `builtin:COUNT@SEED`. Returns nil if the text does not begin with `builtin:`.
    ///
    /// - Throws: `DataError` if the count or the seed is invalid.
    init?(specification: String) throws {
        guard specification.hasPrefix("builtin:") else { return nil }
        let parts = specification.dropFirst("builtin:".count).split(
            separator: "@", omittingEmptySubsequences: false)
        guard let first = parts.first, let count = Int(first), (1...10_000_000).contains(count),
            parts.count <= 2,
            let seed = parts.count == 2 ? UInt64(parts[1]) : 0
        else {
            throw DataError(
                "'\(specification)': expected builtin:COUNT or builtin:COUNT@SEED with a count of 1 to "
                    + "10000000, such as builtin:2000 or builtin:2000@7")
        }
        self.init(count: count, seed: seed)
    }

    /// Renders a face with `size` x `size` pixels. Never throws an error.
    public func content(at index: Int, size: Int) throws -> PictureContent {
        .drawn(faces.face(index, size: size).picture)
    }
}
