import Imaging
import SyntheticFaces

/// Built-in faces as a source: drawn when they are asked for, with true labels and landmarks.
///
/// They are written `builtin:2000` or `builtin:2000@7` (that many faces, from that seed).
public struct BuiltInFacesSource: PictureSource {
    public let name: String
    public let names: [String]
    public let labels: Labels
    public let fingerprint: String
    public var kind: SourceKind { .builtIn }
    private let faces: BuiltInFaces

    public var landmarkFrame: Int? { BuiltInFacesSource.landmarkFrame }
    private static let landmarkFrame = 256

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
        // A changed renderer must not find the pictures that the old one packed.
        for index in 0..<min(count, 8) { print.add(contentsOf: faces.face(index, size: 32).picture.pixels) }
        self.labels = labels
        fingerprint = print.finish()
    }

    /// Reads `builtin:N` or `builtin:N@SEED`; nil for anything that does not begin with `builtin:`.
    init?(specification: String) throws {
        guard specification.hasPrefix("builtin:") else { return nil }
        let parts = specification.dropFirst("builtin:".count).split(
            separator: "@", omittingEmptySubsequences: false)
        guard let first = parts.first, let count = Int(first), (1...10_000_000).contains(count),
            parts.count <= 2,
            let seed = parts.count == 2 ? UInt64(parts[1]) : 0
        else {
            throw DataError(
                "'\(specification)': expected built-in faces as builtin:COUNT or builtin:COUNT@SEED, such as "
                    + "builtin:2000 or builtin:2000@7")
        }
        self.init(count: count, seed: seed)
    }

    public func content(at index: Int, size: Int) throws -> PictureContent {
        .drawn(faces.face(index, size: size).picture)
    }
}
