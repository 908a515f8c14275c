import CCodecs

/// A chunk of a PNG or WebP file.
package struct PictureChunk {
    /// Four-character type.
    package let kind: String
    /// Byte range of the payload in the file.
    package let payload: Range<Int>
}

/// Sequence of the chunks of a PNG file. It ends at the first malformed chunk. Checksums are not verified.
package struct PNGChunks: Sequence, IteratorProtocol {
    private let bytes: UnsafeRawBufferPointer
    private var position = 8

    /// Creates a sequence.
    /// - Parameter bytes: buffer that must remain valid during the iteration.
    package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    package mutating func next() -> PictureChunk? {
        guard position + 12 <= bytes.count else { return nil }
        let length = bytes[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
        guard length <= bytes.count - position - 12 else { return nil }
        let kind = String(decoding: bytes[position + 4..<position + 8], as: UTF8.self)
        let payload = position + 8..<position + 8 + length
        position += 12 + length
        return PictureChunk(kind: kind, payload: payload)
    }
}

/// Sequence of the chunks of a WebP file. It ends at the first malformed chunk.
package struct WebPChunks: Sequence, IteratorProtocol {
    private let bytes: UnsafeRawBufferPointer
    private var position = 12

    /// Creates a sequence.
    /// - Parameter bytes: buffer that must remain valid during the iteration.
    package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    package mutating func next() -> PictureChunk? {
        guard position + 8 <= bytes.count else { return nil }
        let length = bytes[position + 4..<position + 8].reversed().reduce(0) { $0 << 8 | Int($1) }
        guard length <= bytes.count - position - 8 else { return nil }
        let kind = String(decoding: bytes[position..<position + 4], as: UTF8.self)
        let payload = position + 8..<position + 8 + length
        // A chunk of odd length is padded.
        position += 8 + length + length % 2
        return PictureChunk(kind: kind, payload: payload)
    }
}

/// Decompresses zlib data of metadata. Returns nil if it is damaged or has more than `limit` bytes.
package func inflated(_ bytes: UnsafeRawBufferPointer, limit: Int = 8 << 20) -> [UInt8]? {
    guard let inflater = ccodecs_inflater_make(CCODECS_ZLIB) else { return nil }
    defer { ccodecs_inflater_free(inflater) }
    var result: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 65_536)
    var position = 0
    while result.count <= limit {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[position...])
        var (consumed, produced) = (0, 0)
        let status = ccodecs_inflater_step(
            inflater, rest.bindMemory(to: UInt8.self).baseAddress, rest.count, &consumed, &block, block.count,
            &produced)
        position += consumed
        result += block[..<produced]
        switch status {
        case CCODECS_INFLATE_END: return result.count <= limit ? result : nil
        case CCODECS_INFLATE_MORE: continue
        default: return nil
        }
    }
    return nil
}
