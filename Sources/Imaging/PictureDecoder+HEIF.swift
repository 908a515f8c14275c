import CCodecs

extension PictureDecoder {
    /// Whether libheif is installed and can decode HEVC.
    public static var readsHEIC: Bool { ccodecs_heif_decodes(false) }
    /// Whether libheif is installed and can decode AV1.
    public static var readsAVIF: Bool { ccodecs_heif_decodes(true) }

    private static func withHEIF<R>(
        _ bytes: UnsafeRawBufferPointer, _ format: PictureFormat, side: Int,
        _ body: (OpaquePointer, CodecsHEIFInfo) throws -> R
    ) throws -> R {
        guard ccodecs_heif_available() else {
            throw missing("libheif", for: format, package: "libheif1", brew: "libheif")
        }
        guard format == .avif ? readsAVIF : readsHEIC else {
            throw missing(
                "a decoder of libheif", for: format,
                package: format == .avif ? "libheif-plugin-dav1d" : "libheif-plugin-libde265", brew: "libheif"
            )
        }
        var info = CodecsHEIFInfo()
        let heif = try calling("damaged \(format.title)") {
            ccodecs_heif_open(
                bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, Int32(clamping: side), &info, $0,
                $1)
        }
        defer { ccodecs_heif_close(heif) }
        return try body(heif, info)
    }

    static func headerHEIF(_ bytes: UnsafeRawBufferPointer, _ format: PictureFormat) throws -> Header {
        try withHEIF(bytes, format, side: DecodeLimits().side) { _, info in
            Header(format: format, width: Int(info.width), height: Int(info.height), orientation: 1)
        }
    }

    static func decodeHEIF(
        _ bytes: UnsafeRawBufferPointer, _ format: PictureFormat, _ limits: DecodeLimits
    ) throws -> Decoded {
        try withHEIF(bytes, format, side: limits.side) { heif, info in
            let (width, height) = (Int(info.width), Int(info.height))
            try limits.check(width: width, height: height)
            let picture = try Picture(width: width, height: height, channels: info.alpha ? 4 : 3) { out in
                try calling("damaged \(format.title)", advice: "download or create the file again") {
                    message, size in
                    ccodecs_heif_read(heif, out.baseAddress, out.count, message, size) ? () : nil
                }
            }
            return decoded(picture, format, bitDepth: Int(info.bit_depth))
        }
    }
}
