import Datasets
import Files
import Imaging
import SyntheticFaces
import TestSupport
import Testing

struct DataProtocolTests {
    private func picture(_ name: String) throws -> Picture {
        let file = try SafetensorsFile(path: goldens("Datasets/samples.safetensors"))
        let entry = try #require(file[name])
        return Picture(
            width: entry.shape[1], height: entry.shape[0], channels: 3, pixels: try file.bytes(entry))
    }

    @Test(arguments: ["celeba64-178", "celeba64-148", "celeba64-128", "celeba64-108", "celeba32-178-box"])
    func samplesEqualPillow(name: String) throws {
        try expectWithinOneLevel(DataProtocol.parse(name).apply(picture("picture")), picture(name))
    }

    @Test func lfwSamplesEqualPillow() throws {
        try expectWithinOneLevel(DataProtocol.parse("lfw64-160").apply(picture("lfw")), picture("lfw64-160"))
    }

    private func expectWithinOneLevel(_ a: Picture, _ b: Picture) {
        #expect((a.width, a.height, a.channels) == (b.width, b.height, b.channels))
        #expect(zip(a.pixels, b.pixels).allSatisfy { abs(Int($0) - Int($1)) <= 1 })
    }

    @Test func hashesAreFixed() throws {
        let celeba = try DataProtocol.parse("celeba64-178")
        #expect(
            celeba.text
                == "facegan data protocol 1; crop centre 178x178; resize lanczos 64x64; rgb u8")
        // Stores and checkpoints contain these hashes, so they must never change. sha256sum of the text above.
        #expect(celeba.hash == "ed64d18df6c61dad")
        #expect(try DataProtocol.parse("lfw64-160").hash == "7916406804605e84")
    }

    @Test func hashesOfNamedProtocolsAreUniqueExceptForSquares() throws {
        let hashes = DataProtocol.named.values.map {
            $0.crop == .square ? "square" + String($0.size) : $0.hash
        }
        #expect(Set(hashes).count == DataProtocol.named.count - 4)
        for (name, data) in DataProtocol.named { #expect(try DataProtocol.parse(name) == data) }
    }

    @Test(arguments: [
        "", "celeba", "celeba64", "celeba60-178", "celeba64-179", "celeba64-", "lfw64", "faces64-3",
        "square4", "celeba-64-178", "square2048", "celeba64-178-cubic", "celeba64-178-box-box",
    ])
    func rejectsOtherNames(name: String) {
        #expect(throws: DataError.self) { try DataProtocol.parse(name) }
    }

    @Test func errorsStateTheRequiredSize() throws {
        let error = #expect(throws: DataError.self) {
            try DataProtocol.parse("celeba64-178").apply(Fixtures.picture(1, width: 100, height: 300))
        }
        #expect(error?.description.contains("100x300") == true)
        #expect(error?.description.contains("178x178") == true)
        #expect(error?.description.contains("square64") == true)
    }

    @Test func grayAndTransparentPicturesBecomeColor() throws {
        let square = try DataProtocol.parse("square8")
        let gray = Picture(width: 10, height: 12, channels: 1, filledWith: 70)
        #expect(try square.apply(gray).pixels.allSatisfy { $0 == 70 })
        let clear = Picture(width: 10, height: 12, channels: 4, filledWith: 0)
        #expect(try square.apply(clear).pixels.allSatisfy { $0 == 255 })
    }

    @Test func pointsAreMappedWithThePicture() throws {
        let data = try DataProtocol.parse("celeba64-178")
        let point = try data.map(x: 89, y: 109, width: 178, height: 218)
        #expect(point.x == 32 && point.y == 32)
        let corner = try data.map(x: 0, y: 20, width: 178, height: 218)
        #expect(corner.x == 0 && corner.y == 0)
    }
}

@Suite struct FacePointsTests {
    private func points(_ name: String) throws -> FacePoints { try DataProtocol.parse(name).facePoints }

    /// The landmarks of all CelebA protocols are the same points of the original picture.
    @Test(arguments: ["celeba64-178", "celeba64-148", "celeba128-128", "celeba32-108"])
    func celebAProtocolsAgree(name: String) throws {
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
    func facesAreUprightAndCentered(name: String) throws {
        let data = try DataProtocol.parse(name)
        let (face, side) = (data.facePoints, Double(data.size))
        #expect(face.all.allSatisfy { $0.x > 0 && $0.x < side && $0.y > 0 && $0.y < side })
        #expect(face.leftEye.x < face.nose.x && face.nose.x < face.rightEye.x)
        #expect(face.leftMouth.x < face.nose.x && face.nose.x < face.rightMouth.x)
        #expect(face.leftEye.y < face.nose.y && face.nose.y < face.leftMouth.y)
        #expect(abs((face.leftEye.x + face.rightEye.x) / 2 - side / 2) < 0.02 * side)
        #expect(abs(face.leftEye.y - face.rightEye.y) < 0.01 * side)
    }

    /// Squares have the width of four eye distances.
    @Test func otherSquaresFollowFFHQ() throws {
        let face = try points("square64")
        #expect(abs(face.eyeDistance - 16) < 1e-9)
        #expect(abs((face.leftEye.x + face.rightEye.x) / 2 - 32) < 0.2)
    }

    @Test func builtInFacesHaveTheirMeans() throws {
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
