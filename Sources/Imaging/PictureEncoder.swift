import CCodecs

/// Encoder of pictures as PNG, animated PNG or JPEG.
///
/// It is intended for photographs, charts and contact sheets. Generated pictures must be encoded by `SyntheticImage`
/// of the module `Provenance`, which marks them.
public enum PictureEncoder {
    /// Encodes a PNG file with 8 bits per channel.
    ///
    /// - Parameters:
    ///   - picture: 1, 3 or 4 channels.
    ///   - text: iTXt chunks (UTF-8), in this order.
    ///   - compression: 0 (none) to 9 (smallest and slowest).
    /// - Returns: the bytes of the file.
    /// - Throws: `ImagingError` if a text key is invalid or memory is not sufficient.
    public static func png(
        _ picture: Picture, text: [(key: String, value: String)] = [], compression: Int = 6
    ) throws -> [UInt8] {
        var file = PNGWriter(picture)
        for (key, value) in text { try file.text(key, value) }
        try packed(picture, compression) { file.chunk("IDAT", $0) }
        return file.finished()
    }

    /// Encodes an animated PNG that repeats endlessly.
    ///
    /// - Parameters:
    ///   - frames: at least one frame; all must have the same size and number of channels.
    ///   - millisecondsPerFrame: duration of a frame, 1...65,535.
    ///   - text: iTXt chunks (UTF-8), in this order.
    ///   - compression: 0 (none) to 9 (smallest and slowest).
    /// - Returns: the bytes of the file.
    /// - Throws: `ImagingError` if there are no frames, the frames differ in size, a text key is invalid or memory
    ///   is not sufficient.
    public static func animatedPNG(
        frames: [Picture], millisecondsPerFrame: Int, text: [(key: String, value: String)] = [],
        compression: Int = 6
    ) throws -> [UInt8] {
        guard let first = frames.first else { throw ImagingError("an animation needs at least one frame") }
        precondition(
            (1...65_535).contains(millisecondsPerFrame),
            "PictureEncoder: expected 1...65535 ms per frame, got \(millisecondsPerFrame)")
        var file = PNGWriter(first)
        for (key, value) in text { try file.text(key, value) }
        file.animationControl(frames: frames.count)
        for (index, frame) in frames.enumerated() {
            guard frame.width == first.width, frame.height == first.height, frame.channels == first.channels
            else {
                throw ImagingError(
                    "frame \(index) of the animation differs in size or channels from the first frame")
            }
            file.frameControl(width: frame.width, height: frame.height, milliseconds: millisecondsPerFrame)
            try packed(frame, compression) { data in
                if index == 0 { file.chunk("IDAT", data) } else { file.frameData(data) }
            }
        }
        return file.finished()
    }

    /// Encodes a JPEG file.
    ///
    /// - Parameters:
    ///   - picture: 1, 3 or 4 channels; transparency is composited on white.
    ///   - quality: 1...100. From 90, color has full resolution.
    ///   - xmp: an XMP packet of at most 65,502 bytes of UTF-8.
    /// - Returns: the bytes of the file.
    /// - Throws: `ImagingError` if the picture or the packet is too large for a JPEG, or encoding fails.
    public static func jpeg(_ picture: Picture, quality: Int = 95, xmp: String? = nil) throws -> [UInt8] {
        precondition(
            (1...100).contains(quality),
            "PictureEncoder: expected a quality in 1...100, got \(quality)")
        guard max(picture.width, picture.height) <= 65_500 else {
            throw ImagingError(
                "a JPEG can have at most 65,500 pixels per side, got \(picture.width)x\(picture.height)")
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

    /// First bytes of an APP1 segment with XMP.
    package static let xmpSignature = "http://ns.adobe.com/xap/1.0/\0"

    private static func packed(
        _ picture: Picture, _ compression: Int, _ body: (UnsafeBufferPointer<UInt8>) throws -> Void
    ) throws {
        precondition(
            (0...9).contains(compression),
            "PictureEncoder: expected a compression in 0...9, got \(compression)")
        var bytes: UnsafeMutablePointer<UInt8>?
        var count = 0
        guard
            ccodecs_png_pack(
                picture.pixels, UInt32(picture.width), UInt32(picture.height), Int32(picture.channels),
                Int32(compression), &bytes, &count)
        else { throw ImagingError("not enough memory to encode a PNG") }
        defer { ccodecs_release(bytes) }
        try body(UnsafeBufferPointer(start: bytes, count: count))
    }
}
