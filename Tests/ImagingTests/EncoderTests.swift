import Imaging
import Testing

@Suite struct EncoderTests {
    @Test func chunksAreInOrder() throws {
        let picture = RoundTripTests.pattern(9, 7, 3)
        let film = try PictureEncoder.animatedPNG(
            frames: [picture, picture, picture], millisecondsPerFrame: 300, text: [("Title", "é")])
        let chunks = film.withUnsafeBytes { bytes in
            PNGChunks(bytes).map { ($0.kind, [UInt8](bytes[$0.payload])) }
        }
        #expect(
            chunks.map(\.0) == [
                "IHDR", "iTXt", "acTL", "fcTL", "IDAT", "fcTL", "fdAT", "fcTL", "fdAT", "IEND",
            ])
        #expect(chunks[1].1 == Array("Title\0\0\0\0\0é".utf8))
        #expect(chunks[2].1 == [0, 0, 0, 3, 0, 0, 0, 0])
        // Number, size, place, delay, disposal and blending of the second frame.
        #expect(
            chunks[5].1 == [0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 7] + [0, 0, 0, 0, 0, 0, 0, 0] + [
                1, 44, 3, 232, 0, 0,
            ])
        #expect(chunks.filter { $0.0 == "fdAT" }.map { $0.1[3] } == [2, 4])
        #expect(try PictureDecoder.decode(film).picture == picture)
    }

    @Test func framesMustMatch() {
        let frames = [3, 4].map { Picture(width: $0, height: 3, channels: 1, filledWith: 0) }
        #expect(throws: ImagingError.self) {
            try PictureEncoder.animatedPNG(frames: frames, millisecondsPerFrame: 40)
        }
        #expect(throws: ImagingError.self) {
            try PictureEncoder.animatedPNG(frames: [], millisecondsPerFrame: 40)
        }
    }

    @Test func badTextKeysAreErrors() {
        let picture = Picture(width: 1, height: 1, channels: 1, filledWith: 0)
        for key in ["", "é", String(repeating: "a", count: 80)] {
            #expect(throws: ImagingError.self) { try PictureEncoder.png(picture, text: [(key, "x")]) }
        }
    }

    @Test func compressionPays() throws {
        let picture = RoundTripTests.pattern(64, 64, 3)
        let sizes = try [0, 1, 9].map { try PictureEncoder.png(picture, compression: $0).count }
        #expect(sizes[0] > 64 * 64 * 3 && sizes[0] > sizes[1] && sizes[1] >= sizes[2])
    }

    @Test func jpegQualityPays() throws {
        let picture = RoundTripTests.pattern(64, 64, 3)
        let sizes = try [10, 50, 95].map { try PictureEncoder.jpeg(picture, quality: $0).count }
        #expect(sizes[0] < sizes[1] && sizes[1] < sizes[2])
        let clear = Picture(width: 8, height: 8, channels: 4, filledWith: 0)
        #expect(try PictureDecoder.decode(PictureEncoder.jpeg(clear)).picture.pixels.allSatisfy { $0 >= 253 })
    }

    @Test func oversizedXMPIsAnError() {
        let picture = Picture(width: 1, height: 1, channels: 1, filledWith: 0)
        #expect(throws: ImagingError.self) {
            try PictureEncoder.jpeg(picture, xmp: String(repeating: "x", count: 65_600))
        }
    }
}
