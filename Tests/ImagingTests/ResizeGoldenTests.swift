import Foundation
import Imaging
import TestSupport
import Testing

/// Resizes that Pillow made of the same pictures.
@Suite struct ResizeGoldenTests {
    struct Case: Decodable {
        let source: String
        let filter: String
        let box: [Double]?
        let result: String
    }

    struct Cases: Decodable {
        let cases: [Case]
    }

    @Test func equalToPillow() throws {
        let list = try JSONDecoder().decode(Cases.self, from: Data(golden("resize.json"))).cases
        #expect(list.count >= 60)
        for item in list {
            let source = try PictureDecoder.decode(golden(item.source)).picture
            let expected = try PictureDecoder.decode(golden(item.result)).picture
            let filter = try #require(ResizeFilter(rawValue: item.filter))
            let (w, h) = (expected.width, expected.height)
            let actual =
                if let box = item.box {
                    source.resized(
                        fromLeft: box[0], top: box[1], right: box[2], bottom: box[3], width: w, height: h,
                        filter: filter)
                } else {
                    source.resized(width: w, height: h, filter: filter)
                }
            #expect(actual.channels == expected.channels)
            let worst = worstDifference(actual.pixels, expected.pixels)
            #expect(worst == 0, "\(item.source) to \(w)x\(h) by \(item.filter) differs by \(worst)")
        }
    }

    @Test(arguments: ResizeFilter.allCases)
    func aPartIsResizedLikeACrop(filter: ResizeFilter) throws {
        let source = try PictureDecoder.decode(golden("source-colour.png")).picture
        let box = PictureBox(x: 7, y: 3, width: 31, height: 40)
        let inPlace = source.resized(from: box, width: 13, height: 21, filter: filter)
        #expect(try inPlace == source.cropped(to: box).resized(width: 13, height: 21, filter: filter))
    }

    @Test func sameSizeChangesNothing() throws {
        let source = try PictureDecoder.decode(golden("source-colour.png")).picture
        for filter in ResizeFilter.allCases {
            #expect(source.resized(width: source.width, height: source.height, filter: filter) == source)
        }
    }

    @Test func invisibleColorDoesNotBleed() {
        var source = Picture(width: 8, height: 8, channels: 4, filledWith: 0)
        for y in 0..<8 {
            for x in 0..<8 {
                let i = (y * 8 + x) * 4
                // Left half: opaque red. Right half: transparent green.
                source.pixels.replaceSubrange(i..<i + 4, with: x < 4 ? [255, 0, 0, 255] : [0, 255, 0, 0])
            }
        }
        let small = source.resized(width: 3, height: 3, filter: .box)
        for i in stride(from: 0, to: small.pixels.count, by: 4) { #expect(small.pixels[i + 1] == 0) }
        #expect(small.pixels[4] == 255 && (120...136).contains(small.pixels[7]))
    }
}
