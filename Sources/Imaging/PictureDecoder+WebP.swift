import CCodecs

extension PictureDecoder {
    /// Whether libwebp was found on this machine.
    public static var readsWebP: Bool { ccodecs_webp_available() }

    private static func infoWebP(_ bytes: UnsafeRawBufferPointer) throws -> (
        width: Int, height: Int, alpha: Bool
    ) {
        guard readsWebP else {
            throw ImagingError(
                "WebP pictures need libwebp, which is not installed",
                advice: "install it (`apt install libwebp7`, or `brew install webp`) or convert the picture")
        }
        var (width, height, alpha): (UInt32, UInt32, Bool) = (0, 0, false)
        try calling("damaged WebP", advice: "only still WebP pictures are read") { message, size in
            ccodecs_webp_info(
                bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, &width, &height, &alpha, message,
                size)
                ? () : nil
        }
        return (Int(width), Int(height), alpha)
    }

    static func headerWebP(_ bytes: UnsafeRawBufferPointer) throws -> Header {
        let info = try infoWebP(bytes)
        return Header(format: .webp, width: info.width, height: info.height, orientation: 1)
    }

    static func decodeWebP(_ bytes: UnsafeRawBufferPointer, _ limits: DecodeLimits) throws -> Decoded {
        let info = try infoWebP(bytes)
        try limits.check(width: info.width, height: info.height)
        let picture = try Picture(width: info.width, height: info.height, channels: info.alpha ? 4 : 3) {
            out in
            try calling("damaged WebP", advice: "get the file again") { message, size in
                ccodecs_webp_read(
                    bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, info.alpha, UInt32(info.width),
                    UInt32(info.height), out.baseAddress, out.count, message, size) ? () : nil
            }
        }
        return Decoded(
            picture: picture, format: .webp, warnings: [], originalWidth: info.width,
            originalHeight: info.height,
            bitDepth: 8, orientation: 1)
    }
}
