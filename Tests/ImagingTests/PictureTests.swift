import Imaging
import Testing

@Suite struct PictureTests {
    private let picture = RoundTripTests.pattern(23, 17, 3)

    @Test func cropCopiesPixels() throws {
        let part = try picture.cropped(x: 5, y: 2, width: 7, height: 11)
        for y in 0..<11 {
            for x in 0..<7 {
                for c in 0..<3 {
                    #expect(
                        part.pixels[(y * 7 + x) * 3 + c] == picture.pixels[((y + 2) * 23 + x + 5) * 3 + c])
                }
            }
        }
    }

    @Test(arguments: [
        (-1, 0, 5, 5), (0, 0, 24, 1), (20, 0, 4, 4), (0, 0, 0, 3), (Int.max, 1, 2, 2), (1, 1, Int.max, 2),
    ])
    func cropOutsideIsAnError(x: Int, y: Int, width: Int, height: Int) {
        #expect(throws: ImagingError.self) { try picture.cropped(x: x, y: y, width: width, height: height) }
    }

    @Test func orientationsHaveInverses() {
        #expect(picture.flippedHorizontally() == picture.oriented(2))
        for (there, back) in [(2, 2), (3, 3), (4, 4), (5, 5), (6, 8), (7, 7), (8, 6), (1, 1)] {
            #expect(picture.oriented(there).oriented(back) == picture)
        }
        #expect(picture.oriented(6).oriented(6) == picture.oriented(3))
    }

    @Test func rgbConversion() {
        let gray = Picture(width: 2, height: 1, channels: 1, pixels: [3, 200])
        #expect(gray.rgb().pixels == [3, 3, 3, 200, 200, 200])
        let clear = Picture(
            width: 3, height: 1, channels: 4, pixels: [10, 20, 30, 255, 10, 20, 30, 0, 0, 100, 255, 51])
        #expect(clear.rgb().pixels == [10, 20, 30, 255, 255, 255, 204, 224, 255])
    }

    @Test func rotationByRightAnglesMovesPixels() {
        let square = RoundTripTests.pattern(15, 15, 3)
        #expect(square.rotated(degrees: 0) == square)
        #expect(worstDifference(square.rotated(degrees: 90).pixels, square.oriented(8).pixels) <= 1)
        #expect(worstDifference(square.rotated(degrees: -90).pixels, square.oriented(6).pixels) <= 1)
        let flat = Picture(width: 31, height: 9, channels: 1, filledWith: 201)
        for degrees in [1.0, 17, 45, 133, 359.5, -720] { #expect(flat.rotated(degrees: degrees) == flat) }
    }

    @Test func colorAdjustments() {
        #expect(picture.adjusted() == picture)
        let red = Picture(width: 1, height: 1, channels: 3, pixels: [200, 40, 40])
        let turned = red.adjusted(hueDegrees: 120).pixels
        #expect(turned[1] > turned[0] && turned[1] > turned[2])
        let gray = picture.adjusted(saturation: 0).pixels
        for i in stride(from: 0, to: gray.count, by: 3) {
            let light = 0.299 * Float(picture.pixels[i]) + 0.587 * Float(picture.pixels[i + 1])
            let expected = light + 0.114 * Float(picture.pixels[i + 2])
            for c in 0..<3 { #expect(abs(Float(gray[i + c]) - expected) <= 0.51) }
        }
        #expect(Set(picture.adjusted(contrast: 0).adjusted(saturation: 0).pixels).count <= 2)
        let pair = Picture(width: 2, height: 1, channels: 1, pixels: [100, 200])
        #expect(pair.adjusted(brightness: 1.2).pixels == [120, 240])
        #expect(pair.adjusted(contrast: 0.5).pixels == [125, 175])
        #expect(pair.adjusted(brightness: 9).pixels == [255, 255])
    }

    @Test func gridLayout() {
        let cells = (0..<5).map { Picture(width: 4, height: 3, channels: 1, filledWith: UInt8(10 * $0)) }
        let grid = Grid.compose(cells, columns: 3, padding: 1, background: 255)
        #expect(grid.width == 16 && grid.height == 9 && grid.channels == 1)
        for y in 0..<9 {
            for x in 0..<16 {
                let inCell = x % 5 > 0 && y % 4 > 0 && y / 4 * 3 + x / 5 < 5
                #expect(grid.pixels[y * 16 + x] == (inCell ? UInt8(10 * (y / 4 * 3 + x / 5)) : 255))
            }
        }
        let captioned = Grid.compose(
            cells + [picture], columns: 2, captions: ["a", "", "b", "", "", "a long caption"])
        #expect(
            captioned.channels == 3 && captioned.width == 2 * 25 + 2
                && captioned.height == 3 * (17 + 11 + 2) + 2)
    }

    @Test func pasteAndTextAreClipped() {
        var canvas = Picture(width: 6, height: 6, channels: 3, filledWith: 255)
        for (x, y) in [(-20, 2), (4, 4), (-22, -16), (6, 0), (0, 6), (-10, -10)] {
            canvas.paste(picture, x: x, y: y)
        }
        for (x, y) in [(-3, -3), (4, 4), (100, 0), (0, -100)] {
            Text.draw("Wg\né", on: &canvas, x: x, y: y, scale: 2)
        }
        #expect(Set(canvas.pixels).count > 2)
    }

    @Test func textHasTheStatedSize() {
        for text in ["A", "gjpqy", "one\ntwo lines"] {
            let size = Text.size(of: text, scale: 3)
            var canvas = Picture(width: size.width + 8, height: size.height + 8, channels: 1, filledWith: 255)
            Text.draw(text, on: &canvas, x: 4, y: 4, scale: 3)
            var (inside, outside) = (0, 0)
            for y in 0..<canvas.height {
                for x in 0..<canvas.width where canvas.pixels[y * canvas.width + x] == 0 {
                    let within = (4..<4 + size.width).contains(x) && (4..<4 + size.height).contains(y)
                    if within { inside += 1 } else { outside += 1 }
                }
            }
            #expect(inside > 50 && outside == 0)
        }
    }
}
