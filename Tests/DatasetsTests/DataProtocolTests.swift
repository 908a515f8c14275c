import Datasets
import Files
import Imaging
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
    func samplesEqualPillows(name: String) throws {
        try expectWithinOneLevel(DataProtocol.parse(name).apply(picture("picture")), picture(name))
    }

    @Test func lfwSamplesEqualPillows() throws {
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
        // Stores and checkpoints carry these: they must never change. sha256sum of the line above.
        #expect(celeba.hash == "ed64d18df6c61dad")
        #expect(try DataProtocol.parse("lfw64-160").hash == "7916406804605e84")
    }

    @Test func everyNamedProtocolHasAHashOfItsOwnSaveThePlainSquares() throws {
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
    func refusesOtherNames(name: String) {
        #expect(throws: DataError.self) { try DataProtocol.parse(name) }
    }

    @Test func saysWhatIsTooSmall() throws {
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

    @Test func pointsMoveWithThePicture() throws {
        let data = try DataProtocol.parse("celeba64-178")
        let point = try data.map(x: 89, y: 109, width: 178, height: 218)
        #expect(point.x == 32 && point.y == 32)
        let corner = try data.map(x: 0, y: 20, width: 178, height: 218)
        #expect(corner.x == 0 && corner.y == 0)
    }
}
