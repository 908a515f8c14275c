import Imaging
import Testing

@Suite struct RoundTripTests {
    /// Smooth in places, busy in others, so that every PNG filter is worth using somewhere.
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
    func pngKeepsEveryPixel(channels: Int, compression: Int) throws {
        for (width, height) in [(1, 1), (1, 9), (37, 1), (67, 43)] {
            let picture = Self.pattern(width, height, channels)
            let decoded = try PictureDecoder.decode(PictureEncoder.png(picture, compression: compression))
            #expect(decoded.picture == picture)
            #expect(decoded.format == .png && decoded.warnings.isEmpty && decoded.bitDepth == 8)
        }
    }

    @Test(arguments: [1, 3])
    func jpegStaysClose(channels: Int) throws {
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
