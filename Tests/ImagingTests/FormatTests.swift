import CCodecs
import Foundation
import Imaging
import TestSupport
import Testing

/// Files of `Tests/Goldens/Formats` with the pixels that Pillow reads or the specification of the format defines.
@Suite struct FormatGoldenTests {
    private func check(_ name: String, tolerance: Int = 0) throws {
        let bytes = try formatGolden(name)
        let decoded = try PictureDecoder.decode(bytes)
        let header = try PictureDecoder.header(bytes)
        #expect(header.format == decoded.format && header.orientation == decoded.orientation)
        #expect(header.width == decoded.picture.width && header.height == decoded.picture.height)
        let mode = decoded.picture.channels == 4 ? "rgba" : "rgb"
        let expected = Picture(
            width: header.width, height: header.height, channels: decoded.picture.channels,
            pixels: try formatGolden("\(name).\(mode)"))
        // The color of a transparent pixel is not defined.
        for background in [Background.white, Background(red: 0, green: 0, blue: 0)] {
            let worst = worstDifference(
                decoded.picture.rgb(over: background).pixels, expected.rgb(over: background).pixels)
            #expect(worst <= tolerance, "\(name) differs by \(worst)")
        }
    }

    @Test(arguments: [
        "rgb24", "palette8", "palette4", "gray8", "bilevel", "os2", "topdown", "x32", "alpha32",
        "alpha32-unused", "rgb555", "rgb565", "rle4", "rle8",
    ])
    func bmp(name: String) throws { try check(name + ".bmp") }

    @Test(
        .enabled(if: PictureDecoder.readsTIFF),
        arguments: [
            "raw", "lzw", "adobe_deflate", "packbits", "gray", "group4", "palette", "big-endian", "pages",
        ])
    func tiff(name: String) throws { try check(name + ".tif") }

    @Test(.enabled(if: PictureDecoder.readsTIFF), arguments: ["rgba", "gray16", "cmyk"])
    func tiffWithConversion(name: String) throws {
        try check(name + ".tif", tolerance: 1)
        let decoded = try PictureDecoder.decode(formatGolden(name + ".tif"))
        #expect(decoded.warnings.isEmpty == (name == "rgba"))
        #expect(decoded.isTransparent == (name == "rgba"))
    }

    @Test(.enabled(if: PictureDecoder.readsTIFF), arguments: 1...8)
    func tiffOrientation(orientation: Int) throws {
        let name = "orientation-\(orientation).tif"
        try check(name)
        #expect(try PictureDecoder.decode(formatGolden(name)).orientation == orientation)
    }

    /// Versions of the libraries round colors differently.
    @Test(.enabled(if: PictureDecoder.readsHEIC), arguments: ["rgb", "rgb10"])
    func heic(name: String) throws {
        try check(name + ".heic", tolerance: 3)
        let depth = try PictureDecoder.decode(formatGolden(name + ".heic")).bitDepth
        #expect(depth == (name == "rgb10" ? 10 : 8))
    }

    @Test(.enabled(if: PictureDecoder.readsAVIF), arguments: ["rgb", "alpha", "orientation-6"])
    func avif(name: String) throws {
        try check(name + ".avif", tolerance: 3)
        let decoded = try PictureDecoder.decode(formatGolden(name + ".avif"))
        #expect(decoded.isTransparent == (name == "alpha"))
        #expect((decoded.picture.width < decoded.picture.height) == (name == "orientation-6"))
    }

    @Test(arguments: [
        "rgb24.bmp", "palette8.bmp", "rle8.bmp", "rgb565.bmp", "raw.tif", "lzw.tif", "rgb.heic", "rgb.avif",
    ])
    func truncatedFilesAreErrors(name: String) throws {
        let bytes = try formatGolden(name)
        for count in [4, 20, 26, 40, 60, bytes.count / 2, bytes.count - 8] {
            let error = #expect(throws: ImagingError.self, "\(name), \(count) bytes") {
                try PictureDecoder.decode(Array(bytes.prefix(count)))
            }
            #expect(error?.description.isEmpty == false)
        }
    }

    @Test func previewsOfRawFilesAreNotPictures() throws {
        var bytes = try formatGolden("big-endian.tif")
        // The first tag, the width, becomes the kind of the picture: 1, a preview.
        let directory = bytes[4..<8].reduce(0) { $0 << 8 | Int($1) }
        bytes.replaceSubrange(directory + 2..<directory + 14, with: [0, 254, 0, 4, 0, 0, 0, 1, 0, 0, 0, 1])
        #expect(throws: ImagingError.self) { try PictureDecoder.decode(bytes) }
    }

    @Test func formatsAreRecognizedByContent() throws {
        let expected: [(String, PictureFormat)] = [
            ("rgb24.bmp", .bmp), ("raw.tif", .tiff), ("big-endian.tif", .tiff), ("rgb.heic", .heic),
            ("rgb.avif", .avif),
        ]
        for (name, format) in expected { #expect(PictureFormat.detect(try formatGolden(name)) == format) }
        let film = [0, 0, 0, 24] + Array("ftypisom\0\0\0\0isommp42".utf8)
        #expect(PictureFormat.detect(film) == .unknown)
        for brands in [
            "hevc\0\0\0\0hevcmsf1", "mif2\0\0\0\0mif2miaf", "heim\0\0\0\0miafheim", "miaf\0\0\0\0miafhevx",
        ] {
            #expect(
                PictureFormat.detect([0, 0, 0, 24] + Array(("ftyp" + brands).utf8)) == .heic, "\(brands)")
        }
    }

    @Test func largeFilesAreRefusedBeforeTheyAreRead() {
        #expect(throws: Never.self) { try DecodeLimits.check(byteCount: DecodeLimits.byteCount) }
        let error = #expect(throws: ImagingError.self) { try DecodeLimits.check(byteCount: 200 << 30) }
        #expect(error?.description.contains("214748364800") == true)
    }
}

/// The orientation in each place where PNG and WebP store it, in both byte orders.
@Suite struct OrientationTests {
    /// EXIF data with the orientation in the first directory, after another tag. The second directory, that of the
    /// thumbnail, says another orientation.
    static func exif(_ orientation: Int, isLittle: Bool) -> [UInt8] {
        func number(_ value: Int, _ count: Int) -> [UInt8] {
            let bytes = (0..<count).map { UInt8(value >> (8 * $0) & 255) }
            return isLittle ? bytes : bytes.reversed()
        }
        func entry(_ tag: Int, _ value: Int) -> [UInt8] {
            number(tag, 2) + number(3, 2) + number(1, 4) + number(value, 2) + [0, 0]
        }
        let first = number(2, 2) + entry(0x0100, 7) + entry(0x0112, orientation) + number(38, 4)
        let second = number(1, 2) + entry(0x0112, orientation % 8 + 1) + number(0, 4)
        return Array((isLittle ? "II" : "MM").utf8) + number(42, 2) + number(8, 4) + first + second
    }

    private func chunk(_ kind: String, _ payload: [UInt8]) -> [UInt8] {
        func long(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(value >> (24 - 8 * $0) & 255) } }
        let body = Array(kind.utf8) + payload
        return long(payload.count) + body + long(Int(ccodecs_crc32(0, body, body.count)))
    }

    private func rawProfile(_ bytes: [UInt8]) -> [UInt8] {
        let digits = bytes.map { String(format: "%02x", $0) }.joined()
        let lines = stride(from: 0, to: digits.count, by: 72).map { start in
            digits.dropFirst(start).prefix(72) + "\n"
        }
        return Array("Raw profile type exif\0\nexif\n      \(bytes.count)\n\(lines.joined())".utf8)
    }

    @Test(arguments: 1...8, [true, false])
    func png(orientation: Int, isLittle: Bool) throws {
        let picture = RoundTripTests.pattern(7, 5, 3)
        let file = try PictureEncoder.png(picture)
        let exif = Self.exif(orientation, isLittle: isLittle)
        let signed = Array("Exif\0\0".utf8) + exif
        for (place, added) in [
            (33, chunk("eXIf", exif)), (file.count - 12, chunk("eXIf", exif)), (33, chunk("eXIf", signed)),
            (33, chunk("tEXt", rawProfile(signed))),
        ] {
            var bytes = file
            bytes.insert(contentsOf: added, at: place)
            let decoded = try PictureDecoder.decode(bytes)
            #expect(decoded.picture == picture.oriented(orientation))
            #expect(decoded.orientation == orientation)
            let header = try PictureDecoder.header(bytes)
            #expect((header.width, header.height) == (decoded.picture.width, decoded.picture.height))
        }
    }

    @Test(.enabled(if: PictureDecoder.readsWebP), arguments: 1...8, [true, false])
    func webP(orientation: Int, isLittle: Bool) throws {
        let plain = try golden("lossless.webp")
        let picture = try PictureDecoder.decode(plain).picture
        let exif = Self.exif(orientation, isLittle: isLittle)
        func little(_ value: Int, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(value >> (8 * $0) & 255) }
        }
        let header = [8, 0, 0, 0] + little(picture.width - 1, 3) + little(picture.height - 1, 3)
        let odd = exif + [0]
        for data in [exif, odd] {
            let body =
                Array("WEBPVP8X".utf8) + little(10, 4) + header + plain[12...] + Array("EXIF".utf8)
                + little(data.count, 4) + data + (data.count % 2 == 1 ? [0] : [])
            let decoded = try PictureDecoder.decode(Array("RIFF".utf8) + little(body.count, 4) + body)
            #expect(decoded.picture == picture.oriented(orientation))
            #expect(decoded.orientation == orientation)
        }
    }

    @Test func invalidOrientationsAreIgnored() throws {
        let picture = RoundTripTests.pattern(7, 5, 3)
        for exif in [Self.exif(0, isLittle: true), Self.exif(9, isLittle: false), Array("II*\0".utf8), []] {
            var bytes = try PictureEncoder.png(picture)
            bytes.insert(contentsOf: chunk("eXIf", exif), at: 33)
            #expect(try PictureDecoder.decode(bytes).picture == picture)
        }
    }
}

@Suite struct BackgroundTests {
    @Test func colorsAreParsed() {
        #expect(Background("white") == .white)
        #expect(Background("#0a80Ff") == Background(red: 10, green: 128, blue: 255))
        #expect(Background("0a80ff")?.hexadecimal == "0a80ff")
        for text in ["", "#", "fff", "12345g", "#1234567", "red", "+12345", "-00001"] {
            #expect(Background(text) == nil, "\(text)")
        }
    }

    @Test func transparentPixelsShowTheBackground() {
        let picture = Picture(
            width: 3, height: 1, channels: 4, pixels: [10, 20, 30, 255, 10, 20, 30, 0, 100, 100, 100, 51])
        let background = Background(red: 200, green: 0, blue: 50)
        #expect(picture.rgb(over: background).pixels == [10, 20, 30, 200, 0, 50, 180, 20, 60])
        #expect(picture.rgb() == picture.rgb(over: .white))
    }
}

/// Bytes of a file in `Tests/Goldens/Formats`.
func formatGolden(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: goldens("Formats/" + name))))
}
