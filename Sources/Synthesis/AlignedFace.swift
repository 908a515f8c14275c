import Datasets
import Imaging

/// Face that is aligned to a data protocol, and the transform from the photograph.
public struct AlignedFace: Sendable {
    /// Aligned face, RGB, square.
    public let picture: Picture
    /// Transform from coordinates of the photograph to coordinates of `picture`.
    public let transform: Similarity
    /// The face in the photograph.
    public let face: DetectedFace

    /// Crops, rotates and scales a face so that its landmarks are at the mean positions of the protocol.
    ///
    /// Areas outside the photograph are filled with its mirror image.
    /// - Parameters:
    ///   - photo: the photograph.
    ///   - face: the face in the photograph.
    ///   - data: data protocol with positions of landmarks and filter.
    ///   - side: width and height of the result, in pixels; nil for the size of the protocol.
    public init(_ photo: Picture, face: DetectedFace, protocol data: DataProtocol, side: Int? = nil) {
        let side = side ?? data.size
        let targets = data.facePoints.mapped(by: Similarity(scale: Double(side) / Double(data.size)))
        guard let transform = Similarity(from: face.points.all, to: targets.all, weights: Self.weights) else {
            preconditionFailure("AlignedFace: expected five distinct landmarks, got \(face.points)")
        }
        picture = photo.rgb().warped(by: transform, width: side, height: side, filter: data.filter)
        (self.transform, self.face) = (transform, face)
    }

    /// The tip of the nose has weight 0: it moves when a head turns, and the crops of CelebA are matched better without it.
    private static let weights: [Double] = [1, 1, 0, 1, 1]

    /// Photograph with another picture at the place of the face. Pixels outside the crop do not change.
    /// - Parameters:
    ///   - result: square picture of any size in place of `picture`.
    ///   - photo: the photograph.
    ///   - feather: width of the blended border as a fraction of the side of the crop, 0...0.5.
    public func pasted(_ result: Picture, into photo: Picture, feather: Double = 0.1) -> Picture {
        precondition(
            result.width == result.height,
            "AlignedFace.pasted: expected a square picture, got \(result.width)x\(result.height)")
        let larger = Similarity(scale: Double(result.width) / Double(picture.width))
        return photo.blended(with: result, at: transform.then(larger), feather: feather)
    }

    /// Corners of the crop in the photograph: upper left, upper right, lower right, lower left.
    public var corners: [PicturePoint] {
        let (back, side) = (transform.inverse, Double(picture.width))
        return [(0, 0), (side, 0), (side, side), (0, side)].map { back(PicturePoint(x: $0.0, y: $0.1)) }
    }
}

/// Face that was detected in a photograph. Coordinates are pixels of the photograph.
public struct DetectedFace: Sendable, Equatable {
    /// Box from the brow to the chin. May extend beyond the photograph.
    public let box: PictureBox
    /// Five landmarks.
    public let points: FacePoints
    /// Confidence of the detector, 0...1.
    public let score: Double

    /// - Parameters:
    ///   - box: box from the brow to the chin.
    ///   - points: five landmarks.
    ///   - score: confidence, 0...1.
    public init(box: PictureBox, points: FacePoints, score: Double) {
        (self.box, self.points, self.score) = (box, points, score)
    }

    /// Longer side of the box, in pixels.
    public var size: Int { max(box.width, box.height) }
}

/// Selection of faces in a photograph.
public enum FaceChoice: String, Sendable, CaseIterable {
    /// The largest face.
    case largest
    /// The face nearest to the center of the photograph.
    case center
    /// All faces.
    case all
    /// The only face; several faces are an error.
    case one

    /// Whether the choice omits faces of at least `minimumSize` pixels.
    public func leavesSome(of faces: [DetectedFace], minimumSize: Int) -> Bool {
        self != .all && faces.count { $0.size >= minimumSize } > 1
    }

    /// Selects faces.
    /// - Parameters:
    ///   - faces: faces of the photograph, in any order.
    ///   - photo: the photograph.
    ///   - minimumSize: smaller faces are omitted, in pixels.
    /// - Returns: one or more faces, the largest first.
    /// - Throws: `FaceError` if there is no such face, or if `one` is chosen and there are several.
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

/// Error for a photograph without the requested face.
public enum FaceError: Error, Sendable, Equatable, CustomStringConvertible {
    /// No face was found.
    case none
    /// Several faces where one is expected. Sizes in pixels, the largest first.
    case several(sizes: [Int])
    /// All faces are smaller than the minimum. Sizes in pixels, the largest first.
    case small(sizes: [Int], minimum: Int)

    /// Message for the user.
    public var description: String {
        switch self {
        case .none:
            "no face was found; both eyes must be visible, and the face must be ten pixels wide or more"
        case .several(let sizes):
            "\(sizes.count) faces were found (\(Self.list(sizes)) pixels): choose the largest, the one nearest to the "
                + "center, or all"
        case .small(let sizes, let minimum):
            (sizes.count == 1 ? "the face has" : "\(sizes.count) faces were found, with")
                + " \(Self.list(sizes)) pixels, less than the minimum of \(minimum): use a larger photograph, or "
                + "allow smaller faces"
        }
    }

    private static func list(_ sizes: [Int]) -> String {
        let shown = sizes.prefix(5).map(String.init).joined(separator: ", ")
        return sizes.count > 5 ? shown + ", ..." : shown
    }
}
