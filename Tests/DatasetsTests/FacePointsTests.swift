import Datasets
import Imaging
import SyntheticFaces
import Testing

@Suite struct FacePointsTests {
    private func points(_ name: String) throws -> FacePoints { try DataProtocol.parse(name).facePoints }

    /// Points of a protocol are the points of the whole pictures, as `map` moves landmarks.
    @Test(arguments: ["celeba64-178", "celeba64-148", "celeba128-128", "celeba32-108"])
    func celebAsPointsAreOne(name: String) throws {
        let data = try DataProtocol.parse(name)
        for (point, original) in zip(data.facePoints.all, try points("celeba256-178").all) {
            let whole = (x: Float(original.x * 178 / 256), y: Float(original.y * 178 / 256 + 20))
            let expected = try data.map(x: whole.x, y: whole.y, width: 178, height: 218)
            #expect(abs(point.x - Double(expected.x)) < 1e-4 && abs(point.y - Double(expected.y)) < 1e-4)
        }
    }

    @Test(arguments: [
        "celeba64-178", "celeba64-148", "celeba64-128", "celeba64-108", "lfw64-160", "lfw64-140", "faces64",
        "square64",
        "square256-bicubic",
    ])
    func facesStandUprightInTheMiddle(name: String) throws {
        let data = try DataProtocol.parse(name)
        let (face, side) = (data.facePoints, Double(data.size))
        #expect(face.all.allSatisfy { $0.x > 0 && $0.x < side && $0.y > 0 && $0.y < side })
        #expect(face.leftEye.x < face.nose.x && face.nose.x < face.rightEye.x)
        #expect(face.leftMouth.x < face.nose.x && face.nose.x < face.rightMouth.x)
        #expect(face.leftEye.y < face.nose.y && face.nose.y < face.leftMouth.y)
        #expect(abs((face.leftEye.x + face.rightEye.x) / 2 - side / 2) < 0.02 * side)
        #expect(abs(face.leftEye.y - face.rightEye.y) < 0.01 * side)
    }

    /// Four distances of the eyes wide.
    @Test func otherSquaresAreCutAsFFHQs() throws {
        let face = try points("square64")
        #expect(abs(face.eyeDistance - 16) < 1e-9)
        #expect(abs((face.leftEye.x + face.rightEye.x) / 2 - 32) < 0.2)
    }

    @Test func builtInFacesHaveTheirOwnMeans() throws {
        let faces = BuiltInFaces(seed: 5)
        let mean = try points("faces64")
        var sums = [PicturePoint](repeating: PicturePoint(x: 0, y: 0), count: 5)
        for index in 0..<200 {
            for (i, point) in faces.face(index, size: 64).landmarks.enumerated() {
                sums[i].x += Double(point.x) / 200
                sums[i].y += Double(point.y) / 200
            }
        }
        for (a, b) in zip(sums, mean.all) { #expect(a.distance(to: b) < 0.5) }
    }
}
