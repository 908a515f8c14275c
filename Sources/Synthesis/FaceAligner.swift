import Datasets
import Imaging
import Models
import PretrainedWeights
import Torch
import TorchNN

/// Detection and alignment of faces in photographs.
public final class FaceAligner {
    private let network: YuNet
    private let device: Device

    /// Loads the detector.
    /// - Parameters:
    ///   - cache: cache of published weights.
    ///   - device: device of the detector.
    /// - Throws: `WeightsError` if the weights are missing, with the command that downloads them, or if they do not fit;
    ///   `FileError`.
    public convenience init(cache: WeightsCache = .default, device: Device = .cpu) throws {
        self.init(try YuNet.load(cache: cache), device: device)
    }

    /// - Parameters:
    ///   - network: detector with loaded weights.
    ///   - device: device that the detector is moved to.
    public init(_ network: YuNet, device: Device = .cpu) {
        network.move(to: device, format: .channelsLast)
        (self.network, self.device) = (network, device)
    }

    /// Minimum confidence of a detection.
    private static let score = 0.7

    /// Detects faces.
    ///
    /// Searches at a longest side of 640 pixels. If there is no face, searches at larger and smaller sizes, and rotated by 90,
    /// 180 and 270 degrees.
    /// - Parameters:
    ///   - photo: upright photograph with any number of channels, as `PictureDecoder` returns it.
    ///   - thorough: also searches for small faces in large photographs; takes several times as long.
    /// - Returns: faces, the largest first.
    public func faces(in photo: Picture, thorough: Bool = false) -> [DetectedFace] {
        let photo = photo.rgb()
        let longest = max(photo.width, photo.height)
        let usual = min(longest, 640)
        let larger = min(1600, longest > 640 ? longest : 2 * longest)
        var found = search(photo, side: usual)
        if thorough {
            for side in Set([larger, min(max(longest, larger), 3200)]) { found += search(photo, side: side) }
        }
        for side in [larger, usual / 2] where found.isEmpty && side >= 32 {
            found += search(photo, side: side)
        }
        for orientation in [6, 8, 3] where found.isEmpty {
            found += searchTurned(photo, orientation: orientation, side: usual)
        }
        return YuNet.distinct(found).compactMap { refined($0, photo) }.sorted { $0.size > $1.size }
    }

    /// Aligns a face; see `AlignedFace.init(_:face:protocol:side:)`.
    public func align(
        _ photo: Picture, face: DetectedFace, protocol data: DataProtocol, side: Int? = nil
    ) -> AlignedFace {
        AlignedFace(photo, face: face, protocol: data, side: side)
    }

    // MARK: Searching

    /// Detections in a picture that is resized to a longest side of `side` pixels, in coordinates of the picture.
    private func search(_ picture: Picture, side: Int, score: Double = FaceAligner.score) -> [YuNet.Face] {
        let scale = Double(side) / Double(max(picture.width, picture.height))
        let width = max(1, Int((Double(picture.width) * scale).rounded()))
        let height = max(1, Int((Double(picture.height) * scale).rounded()))
        let resized =
            width == picture.width && height == picture.height
            ? picture : picture.resized(width: width, height: height, filter: .bilinear)
        let (x, y) = (Double(picture.width) / Double(width), Double(picture.height) / Double(height))
        return detect(resized, score).map { face in
            YuNet.Face(
                score: face.score, x: face.x * x, y: face.y * y, width: face.width * x,
                height: face.height * y, points: face.points.map { $0 * SIMD2(x, y) })
        }
    }

    /// Detections in a rotated photograph, in coordinates of the photograph.
    private func searchTurned(_ photo: Picture, orientation: Int, side: Int) -> [YuNet.Face] {
        let (width, height) = (Double(photo.width), Double(photo.height))
        /// Inverse of `oriented`.
        func back(_ point: SIMD2<Double>) -> SIMD2<Double> {
            switch orientation {
            case 3: SIMD2(width - point.x, height - point.y)
            case 6: SIMD2(point.y, height - point.x)
            default: SIMD2(width - point.y, point.x)
            }
        }
        // Four searches find four times as many false positives.
        return search(photo.oriented(orientation), side: side, score: 0.8).map { face in
            let (a, b) = (
                back(SIMD2(face.x, face.y)), back(SIMD2(face.x + face.width, face.y + face.height))
            )
            return YuNet.Face(
                score: face.score, x: min(a.x, b.x), y: min(a.y, b.y), width: abs(a.x - b.x),
                height: abs(a.y - b.y), points: face.points.map(back))
        }
    }

    private func detect(_ picture: Picture, _ score: Double) -> [YuNet.Face] {
        network.faces(in: tensor(picture), score: score)[0]
    }

    /// [1, 3, H, W] in -1...1.
    private func tensor(_ picture: Picture) -> Tensor {
        .pictures(picture.pixels, count: 1, height: picture.height, width: picture.width, on: device)
    }

    // MARK: Refinement

    /// Landmarks from crops in which the face is upright and has the size for which the means of the protocols were measured.
    private func refined(_ face: YuNet.Face, _ photo: Picture) -> DetectedFace? {
        let first = FacePoints(face.points.map { PicturePoint(x: $0.x, y: $0.y) })
        guard first.eyeDistance > 0.5, let frame = upright(first) else { return nil }
        let box = PictureBox(
            x: Int(face.x.rounded()), y: Int(face.y.rounded()), width: Int(face.width.rounded()),
            height: Int(face.height.rounded()))
        guard var look = firstLook(at: photo, in: frame, box) else {
            return DetectedFace(box: box, points: first, score: face.score)
        }
        // If rotation or size differ from the first estimate, detection is repeated up to twice.
        for _ in 0..<2 {
            guard let next = upright(look.points) else { break }
            let change = look.frame.inverse.then(next)
            if abs(change.degrees) < 8, (0.8...1.25).contains(change.scale) { break }
            guard let better = self.look(at: photo, in: next, magnifications: [1]) else { break }
            look = better
        }
        let last =
            upright(look.points).flatMap { self.look(at: photo, in: $0, magnifications: [1, 1.5]) } ?? look
        return DetectedFace(box: box, points: last.points, score: max(look.score, last.score))
    }

    private struct Look {
        /// Transform from the photograph to the frame of aligned CelebA pictures, 178x218.
        let frame: Similarity
        /// Landmarks in the photograph.
        let points: FacePoints
        let score: Double
    }

    /// Detection in the frame of the landmarks, or rotated by multiples of 90 degrees if that has a higher confidence. The
    /// detector sometimes reports a rotated face as upright, with a low confidence.
    private func firstLook(at photo: Picture, in frame: Similarity, _ box: PictureBox) -> Look? {
        let plain = look(at: photo, in: frame, magnifications: [1])
        if let plain, plain.score >= 0.92 { return plain }
        let scale = Self.usualBox.size / Double(max(box.width, box.height, 1))
        let centered = Similarity(
            a: 1, b: 0, dx: -Double(box.x) - Double(box.width) / 2,
            dy: -Double(box.y) - Double(box.height) / 2)
        let turned = [90.0, 180, 270].compactMap { degrees in
            let turn = Similarity(
                scale: scale, degrees: degrees, dx: Self.usualBox.center.x, dy: Self.usualBox.center.y)
            return look(at: photo, in: centered.then(turn), magnifications: [1])
        }
        return ([plain].compactMap { $0 } + turned).max { $0.score < $1.score }
    }

    /// Mean box of the detector in aligned CelebA pictures.
    private static let usualBox = (center: PicturePoint(x: 89, y: 124), size: 112.0)

    private func upright(_ points: FacePoints) -> Similarity? {
        Similarity(from: points.all, to: DataProtocol.celebA.all)
    }

    /// Face in the middle of a frame; nil if there is none. Landmarks are means over magnifications and mirror images, which reduces
    /// their error by a third.
    private func look(at photo: Picture, in frame: Similarity, magnifications: [Double]) -> Look? {
        let mean = DataProtocol.celebA
        func distance(_ points: FacePoints) -> Double {
            zip(points.all, mean.all).map { $0.distance(to: $1) }.reduce(0, +) / 5
        }
        var seen: [FacePoints] = []
        var score = 0.0
        for magnification in magnifications {
            let (width, height) = (178 * magnification, 218 * magnification)
            let window = photo.warped(
                by: frame.then(Similarity(scale: magnification)), width: Int(width), height: Int(height),
                filter: .bilinear)
            let image = tensor(window)
            let looks = network.faces(in: Tensor.concatenated([image, image.flipped([3])]), score: 0.5)
            for (index, faces) in looks.enumerated() {
                let found = faces.map { face in
                    let points = face.points.map { point in
                        PicturePoint(
                            x: (index == 0 ? point.x : Double(window.width) - point.x) / magnification,
                            y: point.y / magnification)
                    }
                    let order = index == 0 ? [0, 1, 2, 3, 4] : [1, 0, 2, 4, 3]
                    return (points: FacePoints(order.map { points[$0] }), score: face.score)
                }
                // A detection that is farther away is another face.
                guard let nearest = found.min(by: { distance($0.points) < distance($1.points) }),
                    distance(nearest.points) < 0.6 * mean.eyeDistance
                else { continue }
                seen.append(nearest.points)
                score = max(score, nearest.score)
            }
        }
        guard !seen.isEmpty else { return nil }
        let count = Double(seen.count)
        let average = (0..<5).map { i in
            PicturePoint(
                x: seen.map { $0.all[i].x }.reduce(0, +) / count,
                y: seen.map { $0.all[i].y }.reduce(0, +) / count)
        }
        return Look(frame: frame, points: FacePoints(average).mapped(by: frame.inverse), score: score)
    }
}
