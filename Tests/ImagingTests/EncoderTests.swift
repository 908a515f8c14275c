import Imaging
import Testing

@Suite struct EncoderTests {
    @Test func chunksAreInOrder() throws {
        let picture = RoundTripTests.pattern(9, 7, 3)
        let animation = try PictureEncoder.animatedPNG(
            frames: [picture, picture, picture], millisecondsPerFrame: 300, text: [("Title", "é")])
        let chunks = animation.withUnsafeBytes { bytes in
            PNGChunks(bytes).map { ($0.kind, [UInt8](bytes[$0.payload])) }
        }
        #expect(
            chunks.map(\.0) == [
                "IHDR", "iTXt", "acTL", "fcTL", "IDAT", "fcTL", "fdAT", "fcTL", "fdAT", "IEND",
            ])
        #expect(chunks[1].1 == Array("Title\0\0\0\0\0é".utf8))
        #expect(chunks[2].1 == [0, 0, 0, 3, 0, 0, 0, 0])
        // Sequence number, size, position, delay, disposal and blending of the second frame.
        #expect(
            chunks[5].1 == [0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 7] + [0, 0, 0, 0, 0, 0, 0, 0] + [
                1, 44, 3, 232, 0, 0,
            ])
        #expect(chunks.filter { $0.0 == "fdAT" }.map { $0.1[3] } == [2, 4])
        #expect(try PictureDecoder.decode(animation).picture == picture)
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

    @Test func compressionReducesTheSize() throws {
        let picture = RoundTripTests.pattern(64, 64, 3)
        let sizes = try [0, 1, 9].map { try PictureEncoder.png(picture, compression: $0).count }
        #expect(sizes[0] > 64 * 64 * 3 && sizes[0] > sizes[1] && sizes[1] >= sizes[2])
    }

    @Test func qualityAffectsTheSize() throws {
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

@Suite struct RoundTripTests {
    /// A picture with smooth and detailed regions, so that every PNG filter is used.
    static func pattern(_ width: Int, _ height: Int, _ channels: Int) -> Picture {
        var picture = Picture(width: width, height: height, channels: channels, filledWith: 0)
        for y in 0..<height {
            for x in 0..<width {
                for c in 0..<channels {
                    let wave = x * (c + 2) + y * (5 - c) + (x * y % 7 == 0 ? x * 37 % 91 : 0)
                    picture.pixels[(y * width + x) * channels + c] = UInt8(wave % 256)
                }
            }
        }
        return picture
    }

    @Test(arguments: [1, 3, 4], [0, 1, 6, 9])
    func pngIsLossless(channels: Int, compression: Int) throws {
        for (width, height) in [(1, 1), (1, 9), (37, 1), (67, 43)] {
            let picture = Self.pattern(width, height, channels)
            let decoded = try PictureDecoder.decode(PictureEncoder.png(picture, compression: compression))
            #expect(decoded.picture == picture)
            #expect(decoded.format == .png && decoded.warnings.isEmpty && decoded.bitDepth == 8)
        }
    }

    @Test(arguments: [1, 3])
    func jpegIsClose(channels: Int) throws {
        var picture = Self.pattern(64, 48, channels)
        for i in picture.pixels.indices {
            picture.pixels[i] = UInt8(i / channels % 64 * 2 + i / (64 * channels))
        }
        let decoded = try PictureDecoder.decode(PictureEncoder.jpeg(picture, quality: 95))
        #expect(decoded.picture.channels == channels && decoded.warnings.isEmpty)
        let worst = zip(decoded.picture.pixels, picture.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 0
        #expect(worst <= 8)
    }
}
