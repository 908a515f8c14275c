import Imaging
import Provenance
import TestSupport
import Testing

/// Damaged files must result in a picture or an error. They must not crash or hang. `FuzzNumbers` describes how to run more
/// mutations.
@Suite struct FuzzTests {
    /// Small limits keep forged sizes cheap.
    private let limits = DecodeLimits(pixels: 1_000_000, side: 4096)

    private let marked = SyntheticImage(
        picture: RoundTripTests.pattern(20, 14, 3),
        origin: Origin(software: "a", model: "b", fields: [("seed", "1")]))

    private func fuzz(
        _ name: String, _ originals: [[UInt8]], repairing repair: ([UInt8]) -> [UInt8] = { $0 }
    ) throws {
        var (pictures, errors) = (0, 0)
        for number in FuzzNumbers(name, usual: 300) {
            var mutator = Mutator(seed: UInt64(number))
            var bytes = mutator.mutate(originals[mutator.below(originals.count)], donors: originals)
            if mutator.below(2) == 0 { bytes = repair(bytes) }
            do {
                let decoded = try PictureDecoder.decode(bytes, limits: limits)
                let picture = decoded.picture
                #expect(picture.pixels.count == picture.width * picture.height * picture.channels)
                let fast = try bytes.withUnsafeBytes {
                    try PictureDecoder.decode($0, limits: limits, width: 16, height: 16) { w, h in
                        PictureBox(x: w / 4, y: h / 4, width: max(1, w / 2), height: max(1, h / 2))
                    }
                }
                #expect(fast.picture.pixels.count == 768)
                _ = try PictureDecoder.decode(bytes, limits: limits, minimumSize: 8)
                pictures += 1
            } catch let error as ImagingError {
                #expect(!error.description.isEmpty)
                errors += 1
            }
            _ = try? PictureDecoder.header(bytes)
            _ = Provenance.read(bytes)
        }
        // Otherwise the mutations are too weak or too strong.
        #expect(pictures > 0 && errors > 0)
    }

    @Test func jpeg() throws {
        let names = [
            "sampling-0", "sampling-2", "progressive", "restart", "cmyk", "grey", "orientation-6",
        ]
        try fuzz("jpeg", names.map { try golden($0 + ".jpg") } + [marked.jpeg()])
    }

    @Test func png() throws {
        let names = [
            "rgb-8", "rgb-interlaced", "palette-8-alpha", "grey-16", "palette-2", "animated", "grey-alpha",
        ]
        try fuzz(
            "png", names.map { try golden($0 + ".png") } + [marked.png()], repairing: withCorrectChecksums)
    }

    @Test(.enabled(if: PictureDecoder.readsWebP)) func webP() throws {
        try fuzz("webp", ["lossless", "lossy", "alpha"].map { try golden($0 + ".webp") })
    }

    @Test func bmp() throws {
        let names = ["rgb24", "palette8", "bilevel", "os2", "alpha32", "rgb565", "rle4", "rle8"]
        try fuzz("bmp", names.map { try formatGolden($0 + ".bmp") })
    }

    @Test(.enabled(if: PictureDecoder.readsTIFF)) func tiff() throws {
        let names = ["raw", "lzw", "packbits", "group4", "palette", "rgba", "gray16", "orientation-6"]
        try fuzz("tiff", names.map { try formatGolden($0 + ".tif") })
    }

    @Test(.enabled(if: PictureDecoder.readsHEIC && PictureDecoder.readsAVIF)) func heif() throws {
        let names = ["rgb.heic", "rgb10.heic", "rgb.avif", "alpha.avif"]
        try fuzz("heif", names.map { try formatGolden($0) })
    }

    /// Returns the PNG with corrected checksums, so that damage passes the checksum test.
    private func withCorrectChecksums(_ bytes: [UInt8]) -> [UInt8] {
        var result = bytes
        let payloads = bytes.withUnsafeBytes { PNGChunks($0).map(\.payload) }
        for payload in payloads {
            var crc: UInt32 = .max
            for byte in bytes[payload.lowerBound - 4..<payload.upperBound] {
                crc ^= UInt32(byte)
                for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1 == 1 ? 0xEDB8_8320 : 0) }
            }
            for i in 0..<4 { result[payload.upperBound + i] = UInt8(~crc >> UInt32(24 - 8 * i) & 255) }
        }
        return result
    }
}
