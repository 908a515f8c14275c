import Datasets
import Imaging
import Models
import PretrainedWeights
import Torch
import TorchNN

/// Finds the faces in photographs and brings them to where a data protocol has them.
public final class FaceAligner {
    private let network: YuNet
    private let device: Device

    /// - Throws: `CheckpointError` that says how the detector's weights are brought.
    public convenience init(cache: WeightsCache = .default, device: Device = .cpu) throws {
        self.init(try YuNet.load(cache: cache), device: device)
    }

    public init(_ network: YuNet, device: Device = .cpu) {
        network.move(to: device, format: .channelsLast)
        (self.network, self.device) = (network, device)
    }

    /// Less sure finds are mostly none.
    private static let score = 0.7

    /// The faces of a photograph, the largest first.
    ///
    /// Searches at a longest side of 640; where that finds nothing, also larger, smaller and turned by quarters.
    /// - Parameters:
    ///   - photo: upright, as `PictureDecoder` gives it; any channels.
    ///   - thorough: also looks for small faces in large photographs, which takes several times as long.
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

    /// See `AlignedFace.init`.
    public func align(
        _ photo: Picture, face: DetectedFace, protocol data: DataProtocol, side: Int? = nil
    ) -> AlignedFace {
        AlignedFace(photo, face: face, protocol: data, side: side)
    }

    // MARK: Searching

    /// Faces in pixels of the picture, which is made so large that its longest side is `side`.
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

    /// Faces of a photograph that lies on its side or upside down.
    private func searchTurned(_ photo: Picture, orientation: Int, side: Int) -> [YuNet.Face] {
        let (width, height) = (Double(photo.width), Double(photo.height))
        /// What `oriented` did, undone.
        func back(_ point: SIMD2<Double>) -> SIMD2<Double> {
            switch orientation {
            case 3: SIMD2(width - point.x, height - point.y)
            case 6: SIMD2(point.y, height - point.x)
            default: SIMD2(width - point.y, point.x)
            }
        }
        // Four looks find four times as much that is no face.
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

    // MARK: Looking again

    /// The face's points from closer looks, upright and as large as the protocols' means were measured.
    private func refined(_ face: YuNet.Face, _ photo: Picture) -> DetectedFace? {
        let first = FacePoints(face.points.map { PicturePoint(x: $0.x, y: $0.y) })
        guard first.eyeDistance > 0.5, let frame = upright(first) else { return nil }
        let box = PictureBox(
            x: Int(face.x.rounded()), y: Int(face.y.rounded()), width: Int(face.width.rounded()),
            height: Int(face.height.rounded()))
        guard var look = firstLook(at: photo, in: frame, box) else {
            return DetectedFace(box: box, points: first, score: face.score)
        }
        // A face that lies otherwise than thought is seen better a second and a third time.
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
        /// From the photograph into CelebA's aligned pictures of 178x218.
        let frame: Similarity
        /// In the photograph.
        let points: FacePoints
        let score: Double
    }

    /// As its points say, or turned by quarters where that looks more like a face: one on its side or head is sometimes
    /// taken for an upright one, but never surely.
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

    /// The detector's box in CelebA's aligned pictures.
    private static let usualBox = (center: PicturePoint(x: 89, y: 124), size: 112.0)

    private func upright(_ points: FacePoints) -> Similarity? {
        Similarity(from: points.all, to: DataProtocol.celebA.all)
    }

    /// The face in the middle of a frame, its points averaged over magnifications and mirror images, which takes a third off what they
    /// are off; nil if none is there.
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
                // Farther away it is another face.
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
