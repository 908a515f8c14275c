import CCodecs
import Imaging
import Testing

/// Every version of the resize that this processor can run gives the pixels of the one that is used.
@Suite struct ResizeVariantTests {
    struct Case: CustomTestStringConvertible {
        let channels: Int
        let width: Int
        let height: Int
        let outWidth: Int
        let outHeight: Int

        var testDescription: String { "\(width)x\(height)x\(channels) to \(outWidth)x\(outHeight)" }
    }

    /// Rows that fill no block, blocks that fill no group, columns that fill no vector.
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
                // Many black and white pixels, which drive the sums to their bounds.
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
        // Alpha is taken apart before the pixels come here.
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
            #expect(pixels == first ?? expected?.pixels ?? pixels, "version \(variant)")
            first = pixels
        }
        #expect(first != nil)
    }
}
