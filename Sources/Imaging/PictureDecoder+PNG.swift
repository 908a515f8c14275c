import CCodecs

extension PictureDecoder {
    private static func withPNG<R>(
        _ bytes: UnsafeRawBufferPointer, _ body: (OpaquePointer, CodecsPNGInfo) throws -> R
    ) throws -> R {
        var info = CodecsPNGInfo()
        let png = try calling("damaged PNG") {
            ccodecs_png_open(bytes.baseAddress, bytes.count, &info, $0, $1)
        }
        defer { ccodecs_png_close(png) }
        return try body(png, info)
    }

    static func headerPNG(_ bytes: UnsafeRawBufferPointer) throws -> Header {
        try withPNG(bytes) { _, info in
            let orientation = EXIF.orientation(png: bytes)
            let (width, height) = upright(Int(info.width), Int(info.height), orientation)
            return Header(format: .png, width: width, height: height, orientation: orientation)
        }
    }

    static func decodePNG(_ bytes: UnsafeRawBufferPointer, _ limits: DecodeLimits) throws -> Decoded {
        try withPNG(bytes) { png, info in
            let (width, height) = (Int(info.width), Int(info.height))
            try limits.check(width: width, height: height)
            let stored = try Picture(width: width, height: height, channels: Int(info.channels)) { out in
                try calling("damaged PNG", advice: "download or create the file again") { message, size in
                    ccodecs_png_read(png, out.baseAddress, out.count, message, size) ? () : nil
                }
            }
            return decoded(
                stored, .png, orientation: EXIF.orientation(png: bytes), bitDepth: Int(info.bit_depth))
        }
    }

    /// The result of a decoder whose pixels are in the stored order of rows and columns.
    static func decoded(
        _ stored: Picture, _ format: PictureFormat, orientation: Int = 1, bitDepth: Int = 8,
        warnings: [String] = []
    ) -> Decoded {
        let picture = stored.oriented(orientation)
        let depth = bitDepth > 8 ? ["\(bitDepth) bits per channel reduced to 8"] : []
        return Decoded(
            picture: picture, format: format, warnings: depth + warnings, originalWidth: picture.width,
            originalHeight: picture.height, bitDepth: bitDepth, orientation: orientation,
            isTransparent: picture.isTransparent)
    }
}
