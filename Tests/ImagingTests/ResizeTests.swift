import CCodecs
import Foundation
import Imaging
import TestSupport
import Testing

/// Comparison with resizes by Pillow.
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
    func resizingAPartEqualsCropping(filter: ResizeFilter) throws {
        let source = try PictureDecoder.decode(golden("source-colour.png")).picture
        let box = PictureBox(x: 7, y: 3, width: 31, height: 40)
        let inPlace = source.resized(from: box, width: 13, height: 21, filter: filter)
        #expect(try inPlace == source.cropped(to: box).resized(width: 13, height: 21, filter: filter))
    }

    @Test func sameSizeIsTheIdentity() throws {
        let source = try PictureDecoder.decode(golden("source-colour.png")).picture
        for filter in ResizeFilter.allCases {
            #expect(source.resized(width: source.width, height: source.height, filter: filter) == source)
        }
    }

    @Test func transparentColorDoesNotBleed() {
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

/// All implementations of the resize that this processor supports give equal pixels.
@Suite struct ResizeVariantTests {
    struct Case: CustomTestStringConvertible {
        let channels: Int
        let width: Int
        let height: Int
        let outWidth: Int
        let outHeight: Int

        var testDescription: String { "\(width)x\(height)x\(channels) to \(outWidth)x\(outHeight)" }
    }

    /// Sizes that do not fill blocks of rows, groups of blocks or vectors of columns.
    static let cases = [1, 3, 4].flatMap { channels in
        [(178, 178, 64, 64), (67, 61, 33, 29), (5, 3, 40, 71), (1, 90, 3, 7), (130, 16, 129, 8)].map {
            Case(channels: channels, width: $0.0, height: $0.1, outWidth: $0.2, outHeight: $0.3)
        }
    }

    @Test(arguments: cases, ResizeFilter.allCases)
    func samePixels(item: Case, filter: ResizeFilter) throws {
        var state: UInt32 = 1
        let source = Picture(width: item.width, height: item.height, channels: item.channels) { out in
            for i in out.indices {
                state = state &* 1_664_525 &+ 1_013_904_223
                // Many black and white pixels, which lead to extreme sums.
                out[i] =
                    state >> 30 == 0 ? 0 : state >> 30 == 1 ? 255 : UInt8(truncatingIfNeeded: state >> 16)
            }
        }
        let code: [ResizeFilter: Int] = [
            .box: CODECS_FILTER_BOX, .bilinear: CODECS_FILTER_BILINEAR, .bicubic: CODECS_FILTER_BICUBIC,
            .lanczos: CODECS_FILTER_LANCZOS,
        ]
        let kind = Int32(try #require(code[filter]))
        let columns = try #require(
            ccodecs_resize_plan(kind, Int32(item.width), 0, Double(item.width), Int32(item.outWidth)))
        let rows = try #require(
            ccodecs_resize_plan(kind, Int32(item.height), 0, Double(item.height), Int32(item.outHeight)))
        defer {
            ccodecs_resize_plan_free(columns)
            ccodecs_resize_plan_free(rows)
        }
        // Pictures with alpha are premultiplied first, so the results are not comparable.
        let expected =
            item.channels == 4
            ? nil
            : source.resized(
                width: item.outWidth, height: item.outHeight, filter: filter)
        var first: [UInt8]?
        for variant in 0..<ccodecs_resize_variants() {
            var pixels = [UInt8](repeating: 7, count: item.outWidth * item.outHeight * item.channels)
            let done = ccodecs_resize_by(
                variant, source.pixels, item.width * item.channels, Int32(item.channels), columns, rows,
                &pixels)
            #expect(done)
            #expect(pixels == first ?? expected?.pixels ?? pixels, "variant \(variant)")
            first = pixels
        }
        #expect(first != nil)
    }
}
