import Datasets
import Imaging

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
