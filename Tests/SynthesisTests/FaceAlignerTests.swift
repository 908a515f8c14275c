import Datasets
import Foundation
import Imaging
import Models
import PretrainedWeights
import Synthesis
import TestSupport
import Testing

/// Published detector on photographs, if this machine has them.
@Suite(.enabled(if: realData() != nil))
struct FaceAlignerTests {
    private let aligner: FaceAligner

    init() throws {
        aligner = FaceAligner(try YuNet.load(from: Photographs.detector))
    }

    /// Detection rate, mean positions of the landmarks, and distance of crops from those of the protocol.
    ///
    /// Single faces are larger or smaller than the mean, so that corners differ more than centers.
    @Test(arguments: ["celeba", "lfw"]) func facesAreFoundWhereTheProtocolHasThem(kind: String) throws {
        let photos = try Photographs.pictures(kind, count: 400)
        let whole = kind == "celeba" ? (178, 218) : (250, 250)
        let data = try DataProtocol.parse(kind == "celeba" ? "celeba256-178" : "lfw256-160")
        var (found, errors, shifts, edges) = (0, [Double](), [Double](), [Double]())
        var sums = [PicturePoint](repeating: PicturePoint(x: 0, y: 0), count: 9)
        let box = try data.box(width: whole.0, height: whole.1)
        let scale = Double(data.size) / Double(box.width)
        /// Crop of the protocol.
        let own = Similarity(scale: scale, dx: -scale * Double(box.x), dy: -scale * Double(box.y))
        let mean = data.facePoints.mapped(by: own.inverse)
        let corners = [(0.0, 0.0), (256, 0), (256, 256), (0, 256)].map {
            own.inverse(PicturePoint(x: $0.0, y: $0.1))
        }
        for photo in photos {
            // LFW has other persons in the background; the labeled person is in the center.
            guard let face = try? FaceChoice.center.choose(from: aligner.faces(in: photo), in: photo).first
            else {
                continue
            }
            found += 1
            let aligned = aligner.align(photo, face: face, protocol: data)
            for (i, point) in (face.points.all + aligned.corners).enumerated() {
                sums[i].x += point.x
                sums[i].y += point.y
            }
            for (a, b) in [(face.points.leftEye, mean.leftEye), (face.points.rightEye, mean.rightEye)] {
                errors.append(a.distance(to: b))
            }
            // Distance of the centers of the crops, in pixels of the photograph.
            let middle = PicturePoint(x: 128, y: 128)
            edges += zip(aligned.corners, corners).map { $0.distance(to: $1) }
            shifts.append(aligned.transform.inverse(middle).distance(to: own.inverse(middle)))
        }
        func average(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
        let means = sums.map { PicturePoint(x: $0.x / Double(found), y: $0.y / Double(found)) }
        let text = means.map { "(\(($0.x * 10).rounded() / 10), \(($0.y * 10).rounded() / 10))" }
        print(
            "\(kind): \(found) of \(photos.count), means \(text.joined(separator: " ")), eyes \(average(errors)), "
                + "middles \(average(shifts)), corners \(average(edges)) pixels")
        #expect(found * 100 >= 98 * photos.count)
        #expect(average(errors) < 5)
        #expect(average(shifts) < 3)
        for (a, b) in zip(means, mean.all + corners) { #expect(a.distance(to: b) < 2, "\(a) \(b)") }
    }

    @Test func thereIsNoFaceInNoise() {
        var random = RandomStream(seed: 1, stream: 1)
        for size in [(640, 480), (64, 64), (1500, 300)] {
            let pixels = (0..<size.0 * size.1 * 3).map { _ in UInt8(random.uniform(in: 0...255)) }
            let noise = Picture(width: size.0, height: size.1, channels: 3, pixels: pixels)
            #expect(aligner.faces(in: noise).isEmpty)
            let plain = Picture(width: size.0, height: size.1, channels: 1, filledWith: 90)
            #expect(aligner.faces(in: plain).isEmpty)
        }
    }

    @Test func allFacesOfAGroupAreFound() throws {
        let photos = try Photographs.pictures("celeba", count: 12)
        let group = Grid.compose(photos, columns: 4, padding: 10)
        let faces = aligner.faces(in: group)
        #expect(faces.count == 12)
        var cells: Set<Int> = []
        for face in faces {
            let (column, row) = (Int(face.points.nose.x) / 188, Int(face.points.nose.y) / 228)
            cells.insert(4 * row + column)
        }
        #expect(cells.count == 12)
        #expect(throws: FaceError.self) { try FaceChoice.one.choose(from: faces, in: group) }
    }

    /// Faces of 15 pixels in a photograph of 3,000 are found by a thorough search.
    @Test func smallFacesAreFoundByLookingThoroughly() throws {
        let photos = try Photographs.pictures("celeba", count: 6)
        var wall = Picture(width: 3000, height: 2000, channels: 3, filledWith: 120)
        for (i, photo) in photos.enumerated() {
            wall.paste(photo.resized(width: 60, height: 73), x: 200 + 450 * i, y: 300 + 200 * i)
        }
        let faces = aligner.faces(in: wall, thorough: true)
        #expect(faces.count == 6)
        #expect(faces.allSatisfy { (20...70).contains($0.size) })
    }

    /// Landmarks rotate with the photograph, also by multiples of 90 degrees.
    @Test(arguments: [-30.0, -15, 15, 30, 90, 180, 270]) func pointsTurnWithThePhotograph(degrees: Double)
        throws
    {
        let photos = try Photographs.pictures("lfw", count: 8)
        var (distances, found) = ([Double](), 0)
        for photo in photos {
            let upright = try FaceChoice.center.choose(from: aligner.faces(in: photo), in: photo)[0]
            let turn = Similarity(a: 1, b: 0, dx: -125, dy: -125).then(Similarity(scale: 1, degrees: degrees))
                .then(Similarity(a: 1, b: 0, dx: 125, dy: 125))
            let turned = photo.warped(by: turn, width: 250, height: 250)
            guard let face = try? FaceChoice.center.choose(from: aligner.faces(in: turned), in: turned)[0]
            else { continue }
            found += 1
            distances += zip(face.points.all, upright.points.mapped(by: turn).all).map { $0.distance(to: $1) }
        }
        #expect(found >= 7)
        let average = distances.reduce(0, +) / Double(distances.count)
        #expect(average < 2, "\(average)")
    }

    /// A face of the size of the photograph, or of a tenth of it.
    @Test(arguments: [0.2, 0.5, 2, 6, 12]) func anySizeOfPhotograph(scale: Double) throws {
        let photos = try Photographs.pictures("celeba", count: 6)
        for photo in photos {
            let once = try #require(aligner.faces(in: photo).first)
            let (width, height) = (Int(178 * scale), Int(218 * scale))
            let face = try #require(aligner.faces(in: photo.resized(width: width, height: height)).first)
            let back = face.points.mapped(by: Similarity(scale: 178 / Double(width)))
            let distances = zip(back.all, once.points.all).map { $0.distance(to: $1) }
            #expect(distances.reduce(0, +) / 5 < (scale < 1 ? 4 : 2.5), "\(distances)")
            #expect(abs(Double(face.size) / scale - Double(once.size)) < 0.2 * Double(once.size))
        }
    }

    @Test func pastingACutBackIsHardlySeen() throws {
        let data = try DataProtocol.parse("celeba256-178")
        for photo in try Photographs.pictures("lfw", count: 10) {
            let face = try #require(aligner.faces(in: photo).first)
            let aligned = aligner.align(photo, face: face, protocol: data)
            let pasted = aligned.pasted(aligned.picture, into: photo)
            var sum = 0
            for (a, b) in zip(pasted.pixels, photo.pixels) {
                let difference = Int(a) - Int(b)
                sum += difference * difference
            }
            let error = Double(sum) / Double(photo.pixels.count)
            // 40 dB.
            #expect(10 * log10(255 * 255 / max(error, 1e-9)) > 40)
        }
    }
}

/// Evenly spaced photographs of CelebA and LFW.
enum Photographs {
    static var detector: String { (realData() ?? "") + "/weights/yunet/yunet_n.pth" }

    static func pictures(_ kind: String, count: Int = 200) throws -> [Picture] {
        let folder = try #require(realData())
        let path = kind == "celeba" ? "/celeba/img_align_celeba.zip" : "/lfw/lfw-deepfunneled.tgz"
        let source = try SourceOpener.open(folder + path)
        let wanted = Set((0..<count).map { $0 * source.count / count })
        guard source.readsInOrder else {
            return try wanted.sorted().map { try source.picture(at: $0).rgb() }
        }
        var found: [Picture] = []
        try source.forEach(size: 256) { index, content in
            if wanted.contains(index) { found.append(try content.get().picture().rgb()) }
            return found.count < count
        }
        return found
    }
}
