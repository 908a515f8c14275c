/// The chunks of a PNG file; stops quietly at the first that is damaged in form. Checksums are not looked at.
package struct PNGChunks: Sequence, IteratorProtocol {
    package struct Chunk {
        package let kind: String
        /// Where its payload lies in the file.
        package let payload: Range<Int>
    }

    private let bytes: UnsafeRawBufferPointer
    private var position = 8

    /// - Parameter bytes: must outlive the walk.
    package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    package mutating func next() -> Chunk? {
        guard position + 12 <= bytes.count else { return nil }
        let length = bytes[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
        guard length <= bytes.count - position - 12 else { return nil }
        let kind = String(decoding: bytes[position + 4..<position + 8], as: UTF8.self)
        let payload = position + 8..<position + 8 + length
        position += 12 + length
        return Chunk(kind: kind, payload: payload)
    }
}
