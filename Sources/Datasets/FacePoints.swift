import Imaging

/// Five points of a face, in pixels; left and right as the picture shows them.
public struct FacePoints: Sendable, Equatable, Codable {
    public let leftEye: PicturePoint
    public let rightEye: PicturePoint
    /// Its tip.
    public let nose: PicturePoint
    /// The mouth's left corner.
    public let leftMouth: PicturePoint
    /// The mouth's right corner.
    public let rightMouth: PicturePoint

    /// - Parameter all: left eye, right eye, nose, left and right corner of the mouth.
    public init(_ all: [PicturePoint]) {
        precondition(all.count == 5, "five points of a face, got \(all.count)")
        (leftEye, rightEye, nose, leftMouth, rightMouth) = (all[0], all[1], all[2], all[3], all[4])
    }

    init(_ all: (Double, Double)...) { self.init(all.map { PicturePoint(x: $0.0, y: $0.1) }) }

    /// Left eye, right eye, nose, left and right corner of the mouth.
    public var all: [PicturePoint] { [leftEye, rightEye, nose, leftMouth, rightMouth] }

    /// Pixels between the eyes.
    public var eyeDistance: Double { leftEye.distance(to: rightEye) }

    /// The points where a similarity brings them.
    public func mapped(by transform: Similarity) -> FacePoints { FacePoints(all.map { transform($0) }) }
}
