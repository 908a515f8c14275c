import Datasets
import Imaging

/// A face brought to where a data protocol has faces, and the way back.
public struct AlignedFace: Sendable {
    /// RGB, square.
    public let picture: Picture
    /// From places of the photograph to places of `picture`.
    public let transform: Similarity
    public let face: DetectedFace

    /// Cuts a face out, turned and scaled so that its points lie where the protocol's points lie on average.
    ///
    /// What lies outside the photograph shows its mirror image.
    /// - Parameters:
    ///   - data: its filter, too.
    ///   - side: of the result, in pixels; nil takes the protocol's.
    public init(_ photo: Picture, face: DetectedFace, protocol data: DataProtocol, side: Int? = nil) {
        let side = side ?? data.size
        let targets = data.facePoints.mapped(by: Similarity(scale: Double(side) / Double(data.size)))
        guard let transform = Similarity(from: face.points.all, to: targets.all, weights: Self.weights) else {
            preconditionFailure("the five points of a face lie in one place: \(face.points)")
        }
        picture = photo.rgb().warped(by: transform, width: side, height: side, filter: data.filter)
        (self.transform, self.face) = (transform, face)
    }

    /// The nose's tip goes aside when a head turns; CelebA's own crops are met more closely without it.
    private static let weights: [Double] = [1, 1, 0, 1, 1]

    /// The photograph with a new picture in the face's place; outside the cut square nothing changes.
    ///
    /// - Parameters:
    ///   - result: square, any side: what was made of `picture`.
    ///   - feather: how wide new and old run into each other, as a part of the square's side, 0...0.5.
    public func pasted(_ result: Picture, into photo: Picture, feather: Double = 0.1) -> Picture {
        precondition(
            result.width == result.height, "a square expected, got \(result.width)x\(result.height)")
        let larger = Similarity(scale: Double(result.width) / Double(picture.width))
        return photo.blended(with: result, at: transform.then(larger), feather: feather)
    }

    /// The corners of the cut square in the photograph: upper left, upper right, lower right, lower left.
    public var corners: [PicturePoint] {
        let (back, side) = (transform.inverse, Double(picture.width))
        return [(0, 0), (side, 0), (side, side), (0, side)].map { back(PicturePoint(x: $0.0, y: $0.1)) }
    }
}

/// A face that was found in a photograph, in the photograph's own pixels.
public struct DetectedFace: Sendable, Equatable {
    /// From the brow to the chin; may reach over the photograph's edges.
    public let box: PictureBox
    public let points: FacePoints
    /// How sure the detector is, 0...1.
    public let score: Double

    public init(box: PictureBox, points: FacePoints, score: Double) {
        (self.box, self.points, self.score) = (box, points, score)
    }

    /// The box's longer side, in pixels.
    public var size: Int { max(box.width, box.height) }
}

/// Which of the faces in a photograph are meant.
public enum FaceChoice: String, Sendable, CaseIterable {
    /// The largest.
    case largest
    /// The one nearest to the photograph's center.
    case center
    /// All.
    case all
    /// The only one; several are an error.
    case one

    /// Whether it leaves out faces that are large enough.
    public func leavesSome(of faces: [DetectedFace], minimumSize: Int) -> Bool {
        self != .all && faces.count { $0.size >= minimumSize } > 1
    }

    /// The faces that are meant, at least one; of all, the largest first.
    ///
    /// - Parameters:
    ///   - minimumSize: smaller faces are left out, in pixels.
    /// - Throws: `FaceError` that says what was found instead.
    public func choose(
        from faces: [DetectedFace], in photo: Picture, minimumSize: Int = 0
    ) throws -> [DetectedFace] {
        let sorted = faces.sorted { $0.size > $1.size }
        let large = sorted.filter { $0.size >= minimumSize }
        guard let largest = large.first else {
            throw sorted.isEmpty
                ? FaceError.none : FaceError.small(sizes: sorted.map(\.size), minimum: minimumSize)
        }
        switch self {
        case .largest: return [largest]
        case .all: return large
        case .one:
            guard large.count == 1 else { throw FaceError.several(sizes: large.map(\.size)) }
            return large
        case .center:
            let center = PicturePoint(x: Double(photo.width) / 2, y: Double(photo.height) / 2)
            func distance(_ face: DetectedFace) -> Double {
                PicturePoint(
                    x: Double(face.box.x) + Double(face.box.width) / 2,
                    y: Double(face.box.y) + Double(face.box.height) / 2
                ).distance(to: center)
            }
            return [large.min { distance($0) < distance($1) } ?? largest]
        }
    }
}

/// Why a photograph has not the face that was asked for.
public enum FaceError: Error, Sendable, Equatable, CustomStringConvertible {
    case none
    /// Sizes in pixels, the largest first.
    case several(sizes: [Int])
    /// Sizes in pixels, the largest first, all below the minimum.
    case small(sizes: [Int], minimum: Int)

    public var description: String {
        switch self {
        case .none:
            "no face was found; both eyes must be seen, and the face be ten pixels wide or more"
        case .several(let sizes):
            "\(sizes.count) faces were found (\(Self.list(sizes)) pixels): choose the largest, the one in the "
                + "center, or all of them"
        case .small(let sizes, let minimum):
            (sizes.count == 1 ? "the face is of" : "\(sizes.count) faces were found, of")
                + " \(Self.list(sizes)) pixels, less than the \(minimum) asked for: take a larger photograph, or "
                + "allow smaller faces"
        }
    }

    private static func list(_ sizes: [Int]) -> String {
        let shown = sizes.prefix(5).map(String.init).joined(separator: ", ")
        return sizes.count > 5 ? shown + ", ..." : shown
    }
}
