import Imaging
import Testing

/// Decoding, cropping and resizing in one go equals doing so one after the other.
@Suite struct FastPathTests {
    @Test(arguments: [
        "sampling-0.jpg", "sampling-2.jpg", "progressive.jpg", "grey.jpg", "cmyk.jpg", "orientation-6.jpg",
        "rgb-8.png", "palette-8-alpha.png",
    ])
    func equalsTheSlowPath(name: String) throws {
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

    /// Color is interpolated across the borders of what is decoded. Quality 80 stores it halved, 95 whole.
    @Test(arguments: [80, 95])
    func partsOfAPhotographKeepTheirPixels(quality: Int) throws {
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

    @Test func refusesABoxOutside() throws {
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
