import Datasets
import Imaging
import Synthesis
import SyntheticFaces
import Testing

/// Crops and pasting, without a detector.
@Suite struct AlignedFaceTests {
    static let data = Result { try DataProtocol.parse("faces128") }

    /// Rendered face on gray, transformed by a similarity, and its transformed landmarks.
    static func photo(_ place: Similarity, width: Int = 400, height: Int = 300) -> (Picture, DetectedFace) {
        let drawn = BuiltInFaces(seed: 3).face(7, size: 128)
        let wall = Picture(width: width, height: height, channels: 3, filledWith: 128)
        let picture = wall.blended(with: drawn.picture, at: place.inverse, feather: 0)
        let points = drawn.landmarks.map { place(PicturePoint(x: Double($0.x), y: Double($0.y))) }
        let box = PictureBox(x: 100, y: 100, width: 90, height: 100)
        return (picture, DetectedFace(box: box, points: FacePoints(points), score: 1))
    }

    private static let turned = Similarity(scale: 1.4, degrees: 25, dx: 150, dy: 30)

    /// The crop does not depend on the position of the face in the photograph.
    @Test func theFaceStandsWhereTheProtocolHasIt() throws {
        let data = try Self.data.get()
        let upright = Similarity(a: 1, b: 0, dx: 120, dy: 80)
        let pictures = [upright, Self.turned].map { place in
            let (photo, face) = Self.photo(place)
            let aligned = AlignedFace(photo, face: face, protocol: data)
            #expect(aligned.picture.width == 128 && aligned.picture.height == 128)
            let mean = data.facePoints
            for (a, b) in zip(face.points.mapped(by: aligned.transform).all, mean.all) {
                #expect(a.distance(to: b) < 8)
            }
            return aligned.picture
        }
        let middle = try pictures.map { try $0.cropped(x: 24, y: 24, width: 80, height: 80) }
        let differences = zip(middle[0].pixels, middle[1].pixels).map { abs(Int($0) - Int($1)) }
        #expect(differences.reduce(0, +) < 2 * differences.count)
    }

    /// A larger side gives the same crop with more pixels.
    @Test func anySideIsTheSameCut() throws {
        let (photo, face) = Self.photo(Self.turned)
        let data = try Self.data.get()
        let (small, large) = (
            AlignedFace(photo, face: face, protocol: data, side: 40),
            AlignedFace(photo, face: face, protocol: data, side: 300)
        )
        for (a, b) in zip(small.corners, large.corners) { #expect(a.distance(to: b) < 1e-6) }
        let again = large.picture.resized(width: 40, height: 40)
        let differences = zip(again.pixels, small.picture.pixels).map { abs(Int($0) - Int($1)) }
        #expect(differences.reduce(0, +) < 2 * differences.count)
    }

    @Test(arguments: [1, 2]) func pastingTheCutBackChangesLittle(enlarged: Int) throws {
        let (photo, face) = Self.photo(Self.turned)
        let aligned = AlignedFace(photo, face: face, protocol: try Self.data.get(), side: 256)
        let side = 256 * enlarged
        let result = aligned.picture.resized(width: side, height: side)
        let pasted = aligned.pasted(result, into: photo)
        let differences = zip(pasted.pixels, photo.pixels).map { abs(Int($0) - Int($1)) }
        #expect(differences.reduce(0, +) < differences.count / 4)
        // Another picture changes pixels inside the crop only.
        let black = Picture(width: side, height: side, channels: 3, filledWith: 0)
        let dark = aligned.pasted(black, into: photo, feather: 0)
        let changed = zip(stride(from: 0, to: photo.pixels.count, by: 3), 0...).filter { at, _ in
            dark.pixels[at..<at + 3] != photo.pixels[at..<at + 3]
        }
        let points = changed.map {
            aligned.transform(PicturePoint(x: Double($0.1 % 400), y: Double($0.1 / 400)))
        }
        #expect(!points.isEmpty)
        #expect(points.allSatisfy { (-2...258).contains($0.x) && (-2...258).contains($0.y) })
    }
}
