import Imaging

/// Five landmarks of a face in pixels. Left and right are those of the viewer.
public struct FacePoints: Sendable, Equatable, Codable {
    /// Center of the left eye.
    public let leftEye: PicturePoint
    /// Center of the right eye.
    public let rightEye: PicturePoint
    /// Tip of the nose.
    public let nose: PicturePoint
    /// Left corner of the mouth.
    public let leftMouth: PicturePoint
    /// Right corner of the mouth.
    public let rightMouth: PicturePoint

    /// Creates landmarks from five points.
    /// - Parameter all: left eye, right eye, nose, left and right corner of the mouth.
    public init(_ all: [PicturePoint]) {
        precondition(all.count == 5, "FacePoints: expected 5 points, got \(all.count)")
        (leftEye, rightEye, nose, leftMouth, rightMouth) = (all[0], all[1], all[2], all[3], all[4])
    }

    init(_ all: (Double, Double)...) { self.init(all.map { PicturePoint(x: $0.0, y: $0.1) }) }

    /// Left eye, right eye, nose, left and right corner of the mouth.
    public var all: [PicturePoint] { [leftEye, rightEye, nose, leftMouth, rightMouth] }

    /// Distance between the eyes in pixels.
    public var eyeDistance: Double { leftEye.distance(to: rightEye) }

    /// Returns the landmarks transformed by a similarity.
    public func mapped(by transform: Similarity) -> FacePoints { FacePoints(all.map { transform($0) }) }
}

extension DataProtocol {
    /// Mean positions of the five landmarks in samples of this protocol, in pixels of `size` x `size`.
    ///
    /// CelebA's protocols use the means of CelebA, LFW's those of LFW, and `faces` protocols those of the built-in
    /// faces. Other squares are assumed to be cropped like FFHQ.
    public var facePoints: FacePoints {
        switch name.prefix(while: \.isLetter) {
        case "celeba": points(Self.celebA, width: 178, height: 218)
        case "lfw": points(Self.lfw, width: 250, height: 250)
        case "faces": Self.builtIn.mapped(by: Similarity(scale: Double(size)))
        default: Self.ffhq.mapped(by: Similarity(scale: Double(size)))
        }
    }

    private func points(_ originals: FacePoints, width: Int, height: Int) -> FacePoints {
        // A custom protocol with such a name can need larger pictures.
        guard let box = try? box(width: width, height: height) else {
            return Self.ffhq.mapped(by: Similarity(scale: Double(size)))
        }
        let scale = Double(size) / Double(box.width)
        return originals.mapped(
            by: Similarity(scale: scale, dx: -scale * Double(box.x), dy: -scale * Double(box.y)))
    }

    /// Landmarks in CelebA's aligned pictures of 178x218: means over 400 detections by YuNet.
    package static let celebA = FacePoints(
        (69.6, 112.0), (108.1, 111.9), (88.6, 135.0), (72.2, 152.6), (106.0, 152.5))

    /// Landmarks in LFW's deep-funneled pictures of 250x250: means over 400 detections by YuNet.
    package static let lfw = FacePoints(
        (104.2, 112.5), (146.8, 111.7), (125.8, 137.2), (107.7, 157.6), (145.1, 156.9))

    /// Landmarks of built-in faces in a unit square: means over 2,000 faces with exact labels.
    private static let builtIn = FacePoints(
        (0.386, 0.454), (0.614, 0.454), (0.5, 0.614), (0.403, 0.71), (0.597, 0.71))

    /// CelebA's mean face in a unit square cropped like FFHQ (Karras et al., 2019): the width is at least four eye
    /// distances, and the center lies one tenth of the way from the eyes to the mouth.
    private static let ffhq: FacePoints = {
        let face = celebA
        let eyes = middle(face.leftEye, face.rightEye)
        let mouth = middle(face.leftMouth, face.rightMouth)
        let half = max(2 * face.eyeDistance, 1.8 * eyes.distance(to: mouth))
        let center = PicturePoint(x: eyes.x + (mouth.x - eyes.x) / 10, y: eyes.y + (mouth.y - eyes.y) / 10)
        return face.mapped(
            by: Similarity(
                scale: 1 / (2 * half), dx: 0.5 - center.x / (2 * half), dy: 0.5 - center.y / (2 * half)))
    }()

    private static func middle(_ a: PicturePoint, _ b: PicturePoint) -> PicturePoint {
        PicturePoint(x: (a.x + b.x) / 2, y: (a.y + b.y) / 2)
    }
}
