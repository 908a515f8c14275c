import Imaging
import Testing

/// Files written by Pillow or by the PNG specification's rules, and the pixels in them.
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

    @Test func jpegInk() throws {
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
