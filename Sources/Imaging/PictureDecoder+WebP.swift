import CCodecs

extension PictureDecoder {
    /// Whether libwebp is installed.
    public static var readsWebP: Bool { ccodecs_webp_available() }

    private static func infoWebP(_ bytes: UnsafeRawBufferPointer) throws -> (
        width: Int, height: Int, alpha: Bool
    ) {
        guard readsWebP else { throw missing("libwebp", for: .webp, package: "libwebp7", brew: "webp") }
        var (width, height, alpha): (UInt32, UInt32, Bool) = (0, 0, false)
        try calling("damaged WebP", advice: "animated WebP pictures are not supported") { message, size in
            ccodecs_webp_info(
                bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, &width, &height, &alpha, message,
                size)
                ? () : nil
        }
        return (Int(width), Int(height), alpha)
    }

    static func headerWebP(_ bytes: UnsafeRawBufferPointer) throws -> Header {
        let info = try infoWebP(bytes)
        let orientation = EXIF.orientation(webP: bytes)
        let (width, height) = upright(info.width, info.height, orientation)
        return Header(format: .webp, width: width, height: height, orientation: orientation)
    }

    static func decodeWebP(_ bytes: UnsafeRawBufferPointer, _ limits: DecodeLimits) throws -> Decoded {
        let info = try infoWebP(bytes)
        try limits.check(width: info.width, height: info.height)
        let stored = try Picture(width: info.width, height: info.height, channels: info.alpha ? 4 : 3) {
            out in
            try calling("damaged WebP", advice: "download or create the file again") { message, size in
                ccodecs_webp_read(
                    bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, info.alpha, UInt32(info.width),
                    UInt32(info.height), out.baseAddress, out.count, message, size) ? () : nil
            }
        }
        return decoded(stored, .webp, orientation: EXIF.orientation(webP: bytes))
    }
}
