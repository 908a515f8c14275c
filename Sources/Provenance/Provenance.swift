import Foundation
import Imaging

/// Detection of marks on generated pictures.
///
/// The mark is metadata, which anyone can remove. Its absence proves nothing.
public enum Provenance {
    /// Returns the origin declared by a PNG, JPEG, WebP, TIFF, HEIC or AVIF file of this or another program; nil if there
    /// is none.
    public static func read(_ bytes: UnsafeRawBufferPointer) -> Origin? {
        packets(bytes).lazy.compactMap { XMP.origin($0) }.first
    }

    /// Returns the origin declared by a PNG, JPEG, WebP, TIFF, HEIC or AVIF file of this or another program; nil if there
    /// is none.
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
            let key = Array(SyntheticImage.xmpKey.utf8) + [0]
            return PNGChunks(bytes).compactMap { chunk in
                let payload = bytes[chunk.payload]
                guard chunk.kind == "iTXt", payload.starts(with: key), payload.count >= key.count + 2 else {
                    return nil
                }
                // Flag and method of compression. Language and translated key are terminated by zero bytes.
                let rest = payload.dropFirst(key.count)
                let isCompressed = rest.first == 1
                let parts = rest.dropFirst(2).split(
                    separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
                guard parts.count == 3 else { return nil }
                guard isCompressed else { return String(decoding: parts[2], as: UTF8.self) }
                return inflated(UnsafeRawBufferPointer(rebasing: parts[2])).map {
                    String(decoding: $0, as: UTF8.self)
                }
            }
        case .webp:
            return WebPChunks(bytes).filter { $0.kind == "XMP " }.map {
                String(decoding: bytes[$0.payload], as: UTF8.self)
            }
        case .jpeg:
            let head = Array(PictureEncoder.xmpSignature.utf8)
            return JPEGSegments(bytes).compactMap { segment in
                let payload = bytes[segment.payload]
                guard segment.marker == 0xE1, payload.starts(with: head) else { return nil }
                return String(decoding: payload.dropFirst(head.count), as: UTF8.self)
            }
        case .tiff, .heic, .avif:
            return packet(in: bytes).map { [$0] } ?? []
        case .bmp, .gif, .unknown: return []
        }
    }

    /// The first XMP packet in a file whose containers are not read. Packets are stored uncompressed, so that they can be
    /// found by their first and last element (ISO 16684-1).
    private static func packet(in bytes: UnsafeRawBufferPointer) -> String? {
        guard let start = position(of: "<x:xmpmeta", in: bytes) else { return nil }
        let rest = UnsafeRawBufferPointer(rebasing: bytes[start...].prefix(1 << 20))
        guard let end = position(of: "</x:xmpmeta>", in: rest) else { return nil }
        return String(decoding: rest[..<end], as: UTF8.self)
    }

    private static func position(of text: String, in bytes: UnsafeRawBufferPointer) -> Int? {
        let text = Array(text.utf8)
        guard let base = bytes.baseAddress else { return nil }
        var start = 0
        while start + text.count <= bytes.count {
            let rest = bytes.count - start
            guard let found = memchr(base + start, Int32(text[0]), rest) else { return nil }
            let place = UnsafeRawPointer(found) - base
            if bytes[place...].starts(with: text) { return place }
            start = place + 1
        }
        return nil
    }
}
