/// What kind of file some bytes are, by their first bytes.
public enum PictureFormat: String, Sendable, CaseIterable {
    case jpeg, png, webp, gif, bmp, unknown

    /// The format that `bytes` begin like.
    public static func detect(_ bytes: UnsafeRawBufferPointer) -> PictureFormat {
        func begins(_ magic: [UInt8], at offset: Int = 0) -> Bool {
            bytes.count >= offset + magic.count && bytes[offset..<offset + magic.count].elementsEqual(magic)
        }
        if begins([0xFF, 0xD8, 0xFF]) { return .jpeg }
        if begins([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) { return .png }
        if begins(Array("RIFF".utf8)) && begins(Array("WEBP".utf8), at: 8) { return .webp }
        if begins(Array("GIF8".utf8)) { return .gif }
        if begins(Array("BM".utf8)) && bytes.count >= 26 { return .bmp }
        return .unknown
    }

    /// The format that `bytes` begin like.
    public static func detect(_ bytes: [UInt8]) -> PictureFormat { bytes.withUnsafeBytes { detect($0) } }
}
