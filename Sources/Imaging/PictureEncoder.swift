import CCodecs

/// Writes pictures as PNG, animated PNG or JPEG.
///
/// For photographs, charts and contact sheets. Pictures that a model made leave through `SyntheticImage` in the
/// room `Provenance`, which marks them.
public enum PictureEncoder {
    /// A PNG file of 8 bits a channel.
    ///
    /// - Parameters:
    ///   - picture: 1, 3 or 4 channels.
    ///   - text: written as iTXt chunks (UTF-8), in this order.
    ///   - compression: 0 (none) ... 9 (smallest, slow).
    public static func png(
        _ picture: Picture, text: [(key: String, value: String)] = [], compression: Int = 6
    ) throws -> [UInt8] {
        var file = PNGWriter(picture)
        for (key, value) in text { try file.text(key, value) }
        try packed(picture, compression) { file.chunk("IDAT", $0) }
        return file.finished()
    }

    /// An animated PNG that repeats for ever.
    ///
    /// - Parameters:
    ///   - frames: at least one, all of one size and channel count.
    ///   - millisecondsPerFrame: 1...65,535.
    public static func animatedPNG(
        frames: [Picture], millisecondsPerFrame: Int, text: [(key: String, value: String)] = [],
        compression: Int = 6
    ) throws -> [UInt8] {
        guard let first = frames.first else { throw ImagingError("an animation of no frames") }
        precondition(
            (1...65_535).contains(millisecondsPerFrame), "1...65,535 ms, got \(millisecondsPerFrame)")
        var file = PNGWriter(first)
        for (key, value) in text { try file.text(key, value) }
        file.animationControl(frames: frames.count)
        for (index, frame) in frames.enumerated() {
            guard frame.width == first.width, frame.height == first.height, frame.channels == first.channels
            else { throw ImagingError("frame \(index) of an animation differs in size from the first") }
            file.frameControl(width: frame.width, height: frame.height, milliseconds: millisecondsPerFrame)
            try packed(frame, compression) { data in
                if index == 0 { file.chunk("IDAT", data) } else { file.frameData(data) }
            }
        }
        return file.finished()
    }

    /// A JPEG file.
    ///
    /// - Parameters:
    ///   - picture: 1, 3 or 4 channels; transparency shows white.
    ///   - quality: 1...100. From 90 on, color is kept at full resolution.
    ///   - xmp: an XMP packet, at most 65,502 bytes of UTF-8.
    public static func jpeg(_ picture: Picture, quality: Int = 95, xmp: String? = nil) throws -> [UInt8] {
        precondition((1...100).contains(quality), "a quality of 1...100, got \(quality)")
        guard max(picture.width, picture.height) <= 65_500 else {
            throw ImagingError(
                "a JPEG holds at most 65,500 pixels a side, got \(picture.width)x\(picture.height)")
        }
        let picture = picture.channels == 4 ? picture.rgb() : picture
        var app1: [UInt8] = []
        if let xmp {
            app1 = Array(xmpSignature.utf8) + Array(xmp.utf8)
            guard app1.count <= 65_533 else { throw ImagingError("the XMP packet is too long for a JPEG") }
        }
        var bytes: UnsafeMutablePointer<UInt8>?
        var count = 0
        try PictureDecoder.calling("JPEG encoding failed") { message, size in
            ccodecs_jpeg_encode(
                picture.pixels, UInt32(picture.width), UInt32(picture.height), Int32(picture.channels),
                Int32(quality), app1, app1.count, &bytes, &count, message, size) ? () : nil
        }
        defer { ccodecs_release(bytes) }
        return Array(UnsafeBufferPointer(start: bytes, count: count))
    }

    /// What an APP1 segment with XMP begins with.
    package static let xmpSignature = "http://ns.adobe.com/xap/1.0/\0"

    private static func packed(
        _ picture: Picture, _ compression: Int, _ body: (UnsafeBufferPointer<UInt8>) throws -> Void
    ) throws {
        precondition((0...9).contains(compression), "a compression of 0...9, got \(compression)")
        var bytes: UnsafeMutablePointer<UInt8>?
        var count = 0
        guard
            ccodecs_png_pack(
                picture.pixels, UInt32(picture.width), UInt32(picture.height), Int32(picture.channels),
                Int32(compression), &bytes, &count)
        else { throw ImagingError("out of memory while writing a PNG") }
        defer { ccodecs_release(bytes) }
        try body(UnsafeBufferPointer(start: bytes, count: count))
    }
}
