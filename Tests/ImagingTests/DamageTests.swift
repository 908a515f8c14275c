import Imaging
import Testing

@Suite struct DamageTests {
    @Test func truncatedJPEGIsDecodedAsFarAsItGoes() throws {
        let bytes = try golden("sampling-0.jpg")
        let whole = try PictureDecoder.decode(bytes).picture
        let cut = try PictureDecoder.decode(Array(bytes.prefix(bytes.count * 3 / 4)))
        #expect(cut.warnings == ["truncated: the file ends before the picture does"])
        #expect(cut.picture.width == whole.width && cut.picture.height == whole.height)
        let top = whole.width * 3 * 8
        #expect(cut.picture.pixels.prefix(top) == whole.pixels.prefix(top))
    }

    @Test func missingEndOfJPEGIsAWarning() throws {
        let bytes = try golden("sampling-0.jpg")
        let decoded = try PictureDecoder.decode(Array(bytes.dropLast(2)))
        #expect(decoded.warnings.count == 1)
        #expect(try decoded.picture == PictureDecoder.decode(bytes).picture)
    }

    @Test func theEndOfAThumbnailIsNotTheEnd() throws {
        var bytes = try golden("sampling-0.jpg")
        bytes.replaceSubrange(2..<2, with: [0xFF, 0xE1, 0, 6, 0xFF, 0xD9, 0xFF, 0xD9])
        #expect(try PictureDecoder.decode(bytes).warnings.isEmpty)
        let cut = Array(bytes.dropLast(bytes.count / 4))
        // Not even when only rows before the damage are wanted.
        let decoded = try cut.withUnsafeBytes {
            try PictureDecoder.decode($0, width: 4, height: 4) { w, _ in
                PictureBox(x: 0, y: 0, width: w, height: 4)
            }
        }
        #expect(decoded.warnings == ["truncated: the file ends before the picture does"])
    }

    @Test func jpegWithoutPixelsIsAnError() throws {
        let bytes = try golden("sampling-0.jpg")
        let start = try #require(
            zip(bytes.indices, bytes.indices.dropFirst()).first {
                bytes[$0] == 0xFF && bytes[$1] == 0xDA
            }
        ).0
        for count in [0, 1, 3, 20, start, start + 14, start + 16] {
            #expect(throws: ImagingError.self) { try PictureDecoder.decode(Array(bytes.prefix(count))) }
        }
    }

    @Test func damagedPNGIsAnError() throws {
        let bytes = try golden("rgb-8.png")
        var flipped = bytes
        flipped[bytes.count / 2] ^= 1
        #expect(throws: ImagingError.self) { try PictureDecoder.decode(flipped) }
        for count in [0, 7, 8, 20, 33, 60, bytes.count / 2, bytes.count - 12, bytes.count - 4] {
            #expect(throws: ImagingError.self) { try PictureDecoder.decode(Array(bytes.prefix(count))) }
        }
    }

    @Test func absurdSizesAreRefused() throws {
        var png = try PictureEncoder.png(Picture(width: 300, height: 200, channels: 1, filledWith: 9))
        let error = #expect(throws: ImagingError.self) {
            try PictureDecoder.decode(png, limits: DecodeLimits(pixels: 59_999))
        }
        #expect(error?.description.contains("300x200") == true)
        #expect(throws: Never.self) { try PictureDecoder.decode(png, limits: DecodeLimits(pixels: 60_000)) }
        png = try PictureEncoder.jpeg(Picture(width: 300, height: 200, channels: 1, filledWith: 9))
        #expect(throws: ImagingError.self) { try PictureDecoder.decode(png, limits: DecodeLimits(side: 299)) }
        // The height in the frame header, raised to 65,535.
        var huge = try golden("sampling-0.jpg")
        let frame = try #require(
            zip(huge.indices, huge.indices.dropFirst()).first {
                huge[$0] == 0xFF && huge[$1] == 0xC0
            }
        ).0
        huge.replaceSubrange(frame + 5..<frame + 9, with: [255, 220, 255, 220])
        let refused = #expect(throws: ImagingError.self) { try PictureDecoder.decode(huge) }
        #expect(refused?.description.contains("65500x65500") == true)
    }

    @Test func otherFilesAreNamed() {
        let gif = Array("GIF89a".utf8) + [UInt8](repeating: 0, count: 40)
        let error = #expect(throws: ImagingError.self) { try PictureDecoder.decode(gif) }
        #expect(error?.description == "GIF pictures are not read; convert it to PNG or JPEG")
        #expect(throws: ImagingError("the file is empty")) { try PictureDecoder.decode([]) }
        #expect(throws: ImagingError.self) { try PictureDecoder.decode(Array("<html>Not found</html>".utf8)) }
    }
}
