import Imaging

/// Detection of marks on generated pictures.
///
/// The mark is metadata, which anyone can remove. Its absence proves nothing.
public enum Provenance {
    /// Returns the origin declared by a PNG or JPEG file of this or another program; nil if there is none.
    public static func read(_ bytes: UnsafeRawBufferPointer) -> Origin? {
        packets(bytes).lazy.compactMap { XMP.origin($0) }.first
    }

    /// Returns the origin declared by a PNG or JPEG file of this or another program; nil if there is none.
    public static func read(_ bytes: [UInt8]) -> Origin? { bytes.withUnsafeBytes { read($0) } }

    /// Encodes a PNG file of a picture that may derive from a generated one.
    /// - Parameters:
    ///   - picture: picture to encode.
    ///   - origin: origin of the source, which becomes the mark of the file; nil for a photograph.
    /// - Throws: `ImagingError` if memory is not sufficient.
    public static func png(_ picture: Picture, origin: Origin?) throws -> [UInt8] {
        guard let origin else { return try PictureEncoder.png(picture) }
        return try SyntheticImage(picture: picture, origin: origin).png()
    }

    private static func packets(_ bytes: UnsafeRawBufferPointer) -> [String] {
        switch PictureFormat.detect(bytes) {
        case .png:
            let head = Array(SyntheticImage.xmpKey.utf8) + [0, 0, 0]
            return PNGChunks(bytes).compactMap { chunk in
                let payload = bytes[chunk.payload]
                guard chunk.kind == "iTXt", payload.starts(with: head) else { return nil }
                // Language and translated key are terminated by zero bytes.
                let rest = payload.dropFirst(head.count)
                let parts = rest.split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
                return parts.count == 3 ? String(decoding: parts[2], as: UTF8.self) : nil
            }
        case .jpeg:
            let head = Array(PictureEncoder.xmpSignature.utf8)
            return JPEGSegments(bytes).compactMap { segment in
                let payload = bytes[segment.payload]
                guard segment.marker == 0xE1, payload.starts(with: head) else { return nil }
                return String(decoding: payload.dropFirst(head.count), as: UTF8.self)
            }
        default: return []
        }
    }
}
