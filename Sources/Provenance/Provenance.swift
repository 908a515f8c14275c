import Foundation
import Imaging

/// Detection of marks on generated pictures.
///
/// The mark is metadata, which anyone can remove. Its absence proves nothing.
public enum Provenance {
    /// Returns the origin declared by a PNG, JPEG, WebP, TIFF, HEIC or AVIF file of this or another program; nil if there
    /// is none.
    public static func read(_ bytes: UnsafeRawBufferPointer) -> Origin? {
        switch PictureFormat.detect(bytes) {
        case .png: return origin(png: bytes)
        case .webp:
            for chunk in WebPChunks(bytes) where chunk.kind == "XMP " {
                if let origin = origin(bytes[chunk.payload]) { return origin }
            }
        case .jpeg:
            let head = Array(PictureEncoder.xmpSignature.utf8)
            for segment in JPEGSegments(bytes) where segment.marker == 0xE1 {
                let payload = bytes[segment.payload]
                guard payload.starts(with: head) else { continue }
                if let origin = origin(payload.dropFirst(head.count)) { return origin }
            }
        case .tiff, .heic, .avif: return packet(in: bytes).flatMap { XMP.origin($0) }
        case .bmp, .gif, .unknown: break
        }
        return nil
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

    /// Maximum number of compressed packets of a file that are decompressed.
    private static let compressedLimit = 16

    private static func origin(png bytes: UnsafeRawBufferPointer) -> Origin? {
        let key = Array(SyntheticImage.xmpKey.utf8) + [0]
        var compressed = 0
        for chunk in PNGChunks(bytes) where chunk.kind == "iTXt" {
            let payload = bytes[chunk.payload]
            guard payload.starts(with: key), payload.count >= key.count + 2 else { continue }
            // Flag and method of compression. Language and translated key are terminated by zero bytes.
            let rest = payload.dropFirst(key.count)
            let parts = rest.dropFirst(2).split(
                separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            if rest.first != 1 {
                if let origin = origin(parts[2]) { return origin }
                continue
            }
            compressed += 1
            guard compressed <= compressedLimit else { continue }
            let packet = inflated(UnsafeRawBufferPointer(rebasing: parts[2]), limit: XMP.sizeLimit)
            if let packet, let origin = packet.withUnsafeBytes({ origin($0[...]) }) { return origin }
        }
        return nil
    }

    private static func origin(_ packet: Slice<UnsafeRawBufferPointer>) -> Origin? {
        guard packet.count <= XMP.sizeLimit else { return nil }
        return XMP.origin(String(decoding: packet, as: UTF8.self))
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
