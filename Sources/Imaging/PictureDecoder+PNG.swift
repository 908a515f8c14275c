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
            Header(format: .png, width: Int(info.width), height: Int(info.height), orientation: 1)
        }
    }

    static func decodePNG(_ bytes: UnsafeRawBufferPointer, _ limits: DecodeLimits) throws -> Decoded {
        try withPNG(bytes) { png, info in
            let (width, height) = (Int(info.width), Int(info.height))
            try limits.check(width: width, height: height)
            let picture = try Picture(width: width, height: height, channels: Int(info.channels)) { out in
                try calling("damaged PNG", advice: "get the file again") { message, size in
                    ccodecs_png_read(png, out.baseAddress, out.count, message, size) ? () : nil
                }
            }
            return Decoded(
                picture: picture, format: .png,
                warnings: info.bit_depth == 16 ? ["16 bits a channel reduced to 8"] : [],
                originalWidth: width, originalHeight: height, bitDepth: Int(info.bit_depth), orientation: 1)
        }
    }
}
