import CCodecs

extension PictureDecoder {
    /// Whether libtiff is installed.
    public static var readsTIFF: Bool { ccodecs_tiff_available() }

    private static func infoTIFF(_ bytes: UnsafeRawBufferPointer) throws -> CodecsTIFFInfo {
        guard readsTIFF else { throw missing("libtiff", for: .tiff, package: "libtiff6", brew: "libtiff") }
        // Canon's raw files have its mark after the header.
        if bytes.count > 10, bytes[8..<10].elementsEqual("CR".utf8) {
            throw ImagingError(
                "camera raw files are not supported", advice: "convert it to PNG or JPEG", isUnsupported: true
            )
        }
        var info = CodecsTIFFInfo()
        try calling("TIFF that cannot be decoded", advice: "convert it to PNG or JPEG") { message, size in
            ccodecs_tiff_info(
                bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, &info, message, size) ? () : nil
        }
        return info
    }

    static func headerTIFF(_ bytes: UnsafeRawBufferPointer) throws -> Header {
        let info = try infoTIFF(bytes)
        let orientation = Int(info.orientation)
        let (width, height) = upright(Int(info.width), Int(info.height), orientation)
        return Header(format: .tiff, width: width, height: height, orientation: orientation)
    }

    static func decodeTIFF(_ bytes: UnsafeRawBufferPointer, _ limits: DecodeLimits) throws -> Decoded {
        var info = try infoTIFF(bytes)
        let (width, height) = (Int(info.width), Int(info.height))
        try limits.check(width: width, height: height)
        let stored = try Picture(width: width, height: height, channels: info.alpha ? 4 : 3) { out in
            try calling("damaged TIFF", advice: "download or create the file again") { message, size in
                ccodecs_tiff_read(
                    bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, &info, out.baseAddress,
                    out.count, message, size) ? () : nil
            }
        }
        return decoded(
            stored, .tiff, orientation: Int(info.orientation), bitDepth: Int(info.bit_depth),
            warnings: info.cmyk ? ["CMYK converted to RGB"] : [])
    }
}
