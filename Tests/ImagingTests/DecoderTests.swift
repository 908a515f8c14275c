import Foundation
import Imaging
import TestSupport
import Testing

/// Files written by Pillow or according to the PNG specification, with their pixels.
@Suite struct DecoderGoldenTests {
    private func check(_ name: String, _ kind: String, tolerance: Int = 0) throws -> PictureDecoder.Decoded {
        let bytes = try golden(name)
        let decoded = try PictureDecoder.decode(bytes)
        let expected = try golden(name.split(separator: ".")[0] + "." + kind)
        #expect(decoded.picture.channels == ["grey": 1, "rgb": 3, "rgba": 4][kind])
        let worst = worstDifference(decoded.picture.pixels, expected)
        #expect(worst <= tolerance, "\(name) differs by \(worst)")
        let header = try PictureDecoder.header(bytes)
        #expect(header.width == decoded.picture.width && header.height == decoded.picture.height)
        return decoded
    }

    @Test(arguments: ["sampling-0.jpg", "sampling-1.jpg", "sampling-2.jpg", "progressive.jpg", "restart.jpg"])
    func jpegColor(name: String) throws {
        #expect(try check(name, "rgb").warnings.isEmpty)
    }

    @Test func jpegGray() throws { #expect(try check("grey.jpg", "grey").warnings.isEmpty) }

    @Test func jpegCMYK() throws {
        #expect(try check("cmyk.jpg", "rgb", tolerance: 1).warnings == ["CMYK converted to RGB"])
    }

    @Test(arguments: 1...8)
    func jpegOrientation(orientation: Int) throws {
        let decoded = try check("orientation-\(orientation).jpg", "rgb")
        #expect(decoded.orientation == orientation)
        #expect(decoded.picture.width == (orientation < 5 ? 45 : 35))
    }

    @Test(arguments: [
        "grey-1", "grey-2", "grey-4", "grey-8", "grey-16", "palette-1", "palette-2", "palette-4", "rgb-8",
        "rgb-16",
        "rgb-interlaced", "palette-8-alpha", "grey-8-key", "rgba-8", "grey-alpha", "animated",
    ])
    func png(name: String) throws {
        let kind = name.hasPrefix("grey-") ? "grey" : name.hasPrefix("rgba") ? "rgba" : "rgb"
        let alpha = ["palette-8-alpha", "grey-8-key", "grey-alpha"].contains(name)
        let decoded = try check(name + ".png", alpha ? "rgba" : kind)
        #expect(decoded.bitDepth == (name.split(separator: "-").compactMap { Int($0) }.first ?? 8))
        #expect(decoded.warnings.isEmpty == (decoded.bitDepth != 16))
    }

    @Test(.enabled(if: PictureDecoder.readsWebP), arguments: ["lossless.rgb", "lossy.rgb", "alpha.rgba"])
    func webP(name: String) throws {
        let parts = name.split(separator: ".")
        #expect(try check(parts[0] + ".webp", String(parts[1])).format == .webp)
    }

    @Test(.enabled(if: !PictureDecoder.readsWebP))
    func webPWithoutLibraryNamesThePackage() throws {
        let error = #expect(throws: ImagingError.self) { try PictureDecoder.decode(golden("lossy.webp")) }
        #expect(error?.description.contains("libwebp7") == true)
    }
}

/// Combined decoding, cropping and resizing equals the separate steps.
@Suite struct FastPathTests {
    @Test(arguments: [
        "sampling-0.jpg", "sampling-2.jpg", "progressive.jpg", "grey.jpg", "cmyk.jpg", "orientation-6.jpg",
        "rgb-8.png", "palette-8-alpha.png",
    ])
    func equalsSeparateSteps(name: String) throws {
        let bytes = try golden(name)
        let whole = try PictureDecoder.decode(bytes)
        let (w, h) = (whole.picture.width, whole.picture.height)
        for box in [
            PictureBox(x: 0, y: 0, width: w, height: h), PictureBox(x: 1, y: 2, width: w - 3, height: h - 5),
            PictureBox(x: w - 4, y: h - 3, width: 4, height: 3),
        ] {
            let fast = try bytes.withUnsafeBytes {
                try PictureDecoder.decode($0, width: 9, height: 7, filter: .lanczos) { width, height in
                    #expect(width == w && height == h)
                    return box
                }
            }
            let slow = try whole.picture.rgb().cropped(to: box).resized(width: 9, height: 7)
            #expect(fast.picture == slow, "\(name), \(box)")
            #expect(fast.warnings == whole.warnings && fast.originalWidth == w && fast.originalHeight == h)
        }
    }

    /// Chroma is interpolated across the borders of the decoded part. Quality 80 stores chroma at half resolution, 95
    /// at full resolution.
    @Test(arguments: [80, 95])
    func partsEqualCropsOfTheWhole(quality: Int) throws {
        let photograph = try PictureDecoder.decode(golden("source-photo.png")).picture
        let bytes = try PictureEncoder.jpeg(photograph, quality: quality)
        let whole = try PictureDecoder.decode(bytes).picture
        for (x, y, width, height) in [
            (35, 35, 108, 108), (15, 16, 148, 150), (17, 1, 32, 33), (31, 47, 16, 15), (32, 32, 64, 64),
            (33, 15, 1, 1), (0, 160, 20, 18), (161, 0, 17, 178), (177, 177, 1, 1), (0, 33, 178, 100),
        ] {
            let box = PictureBox(x: x, y: y, width: width, height: height)
            let part = try bytes.withUnsafeBytes {
                try PictureDecoder.decode($0, width: width, height: height) { _, _ in box }
            }
            #expect(try part.picture == whole.cropped(to: box), "\(box)")
        }
    }

    @Test func rejectsBoxesOutside() throws {
        let bytes = try golden("sampling-0.jpg")
        #expect(throws: ImagingError.self) {
            try bytes.withUnsafeBytes {
                try PictureDecoder.decode($0, width: 9, height: 7) { w, h in
                    PictureBox(x: 0, y: 1, width: w, height: h)
                }
            }
        }
    }

    @Test func reducedDecodingKeepsTheMinimum() throws {
        let large = Picture(width: 400, height: 300, channels: 3, filledWith: 77)
        let bytes = try PictureEncoder.jpeg(large)
        for (minimum, width, height) in [
            (300, 400, 300), (151, 400, 300), (150, 200, 150), (64, 100, 75), (1, 50, 38),
        ] {
            let decoded = try PictureDecoder.decode(bytes, minimumSize: minimum)
            #expect(decoded.picture.width == width && decoded.picture.height == height)
            #expect(decoded.originalWidth == 400 && decoded.originalHeight == 300)
        }
    }
}

@Suite struct DamageTests {
    @Test func truncatedJPEGIsDecodedPartially() throws {
        let bytes = try golden("sampling-0.jpg")
        let whole = try PictureDecoder.decode(bytes).picture
        let cut = try PictureDecoder.decode(Array(bytes.prefix(bytes.count * 3 / 4)))
        #expect(cut.warnings == ["truncated: the file ends before the end of the picture"])
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

    @Test func endMarkersOfThumbnailsAreIgnored() throws {
        var bytes = try golden("sampling-0.jpg")
        bytes.replaceSubrange(2..<2, with: [0xFF, 0xE1, 0, 6, 0xFF, 0xD9, 0xFF, 0xD9])
        #expect(try PictureDecoder.decode(bytes).warnings.isEmpty)
        let cut = Array(bytes.dropLast(bytes.count / 4))
        // Also if only rows before the damage are decoded.
        let decoded = try cut.withUnsafeBytes {
            try PictureDecoder.decode($0, width: 4, height: 4) { w, _ in
                PictureBox(x: 0, y: 0, width: w, height: 4)
            }
        }
        #expect(decoded.warnings == ["truncated: the file ends before the end of the picture"])
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

    @Test func excessiveSizesAreRejected() throws {
        var png = try PictureEncoder.png(Picture(width: 300, height: 200, channels: 1, filledWith: 9))
        let error = #expect(throws: ImagingError.self) {
            try PictureDecoder.decode(png, limits: DecodeLimits(pixels: 59_999))
        }
        #expect(error?.description.contains("300x200") == true)
        #expect(throws: Never.self) { try PictureDecoder.decode(png, limits: DecodeLimits(pixels: 60_000)) }
        png = try PictureEncoder.jpeg(Picture(width: 300, height: 200, channels: 1, filledWith: 9))
        #expect(throws: ImagingError.self) { try PictureDecoder.decode(png, limits: DecodeLimits(side: 299)) }
        // Width and height in the frame header, set to 65,500.
        var huge = try golden("sampling-0.jpg")
        let frame = try #require(
            zip(huge.indices, huge.indices.dropFirst()).first {
                huge[$0] == 0xFF && huge[$1] == 0xC0
            }
        ).0
        huge.replaceSubrange(frame + 5..<frame + 9, with: [255, 220, 255, 220])
        let excess = #expect(throws: ImagingError.self) { try PictureDecoder.decode(huge) }
        #expect(excess?.description.contains("65500x65500") == true)
    }

    @Test func otherFormatsAreNamed() {
        let gif = Array("GIF89a".utf8) + [UInt8](repeating: 0, count: 40)
        let error = #expect(throws: ImagingError.self) { try PictureDecoder.decode(gif) }
        #expect(error?.description == "GIF pictures are not supported; convert it to PNG or JPEG")
        #expect(throws: ImagingError("the file is empty")) { try PictureDecoder.decode([]) }
        #expect(throws: ImagingError.self) { try PictureDecoder.decode(Array("<html>Not found</html>".utf8)) }
    }
}

/// Bytes of a file in `Tests/Goldens/Imaging`.
func golden(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: goldens("Imaging/" + name))))
}

/// Largest difference between two arrays of pixels; 256 if their lengths differ.
func worstDifference(_ a: [UInt8], _ b: [UInt8]) -> Int {
    guard a.count == b.count else { return 256 }
    return zip(a, b).reduce(0) { max($0, abs(Int($1.0) - Int($1.1))) }
}
