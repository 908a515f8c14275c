/// Picture format, recognized by the first bytes of a file.
public enum PictureFormat: String, Sendable, CaseIterable {
    /// JPEG.
    case jpeg
    /// PNG.
    case png
    /// WebP, decoded by libwebp.
    case webp
    /// BMP.
    case bmp
    /// TIFF, decoded by libtiff.
    case tiff
    /// HEIC: HEVC in the HEIF container, decoded by libheif.
    case heic
    /// AVIF: AV1 in the HEIF container, decoded by libheif.
    case avif
    /// GIF, which cannot be decoded.
    case gif
    /// No known format.
    case unknown

    /// Name for a reader.
    public var title: String { self == .webp ? "WebP" : rawValue.uppercased() }

    /// Recognizes the format by the first bytes.
    public static func detect(_ bytes: UnsafeRawBufferPointer) -> PictureFormat {
        func begins(_ magic: [UInt8], at offset: Int = 0) -> Bool {
            bytes.count >= offset + magic.count && bytes[offset..<offset + magic.count].elementsEqual(magic)
        }
        func begins(_ text: String, at offset: Int = 0) -> Bool { begins(Array(text.utf8), at: offset) }
        if begins([0xFF, 0xD8, 0xFF]) { return .jpeg }
        if begins([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) { return .png }
        if begins("RIFF"), begins("WEBP", at: 8) { return .webp }
        if begins("GIF8") { return .gif }
        if begins("BM"), bytes.count >= 26 { return .bmp }
        // Classic TIFF and BigTIFF in both byte orders.
        if begins("II*\0") || begins("MM\0*") || begins("II+\0") || begins("MM\0+") { return .tiff }
        if begins("ftyp", at: 4) { return brand(bytes) }
        return .unknown
    }

    /// Recognizes the format by the first bytes.
    public static func detect(_ bytes: [UInt8]) -> PictureFormat { bytes.withUnsafeBytes { detect($0) } }

    /// Format of a HEIF container by the brands in its first box: the main brand, the version, and compatible brands.
    private static func brand(_ bytes: UnsafeRawBufferPointer) -> PictureFormat {
        let length = bytes.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        guard length >= 16 else { return .unknown }
        let end = min(length, bytes.count, 1024)
        let brands = stride(from: 8, to: end - 3, by: 4).filter { $0 != 12 }.map {
            String(decoding: bytes[$0..<$0 + 4], as: UTF8.self)
        }
        if brands.contains(where: { ["avif", "avis"].contains($0) }) { return .avif }
        let heic = ["heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs"]
        if brands.contains(where: { heic.contains($0) }) { return .heic }
        // The container of both formats.
        return ["mif1", "mif2", "msf1"].contains(brands.first) ? .heic : .unknown
    }
}
