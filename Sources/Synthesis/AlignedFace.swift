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
