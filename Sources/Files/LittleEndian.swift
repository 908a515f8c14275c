/// Little-endian numbers at any offset. Reading out of bounds traps, in release builds too: the buffer's own
/// subscript does not.
extension UnsafeRawBufferPointer {
    /// One byte.
    func u8(_ at: Int) -> UInt8 {
        precondition(at >= 0 && at < count, "byte \(at) is outside a buffer of \(count)")
        return self[at]
    }

    /// Two bytes.
    func u16(_ at: Int) -> Int {
        precondition(at >= 0 && at <= count - 2, "bytes \(at)..<\(at + 2) are outside a buffer of \(count)")
        return Int(UInt16(littleEndian: loadUnaligned(fromByteOffset: at, as: UInt16.self)))
    }

    /// Four bytes.
    func u32(_ at: Int) -> Int {
        precondition(at >= 0 && at <= count - 4, "bytes \(at)..<\(at + 4) are outside a buffer of \(count)")
        return Int(UInt32(littleEndian: loadUnaligned(fromByteOffset: at, as: UInt32.self)))
    }

    /// Eight bytes; `nil` if that is more than `Int` holds.
    func u64(_ at: Int) -> Int? {
        precondition(at >= 0 && at <= count - 8, "bytes \(at)..<\(at + 8) are outside a buffer of \(count)")
        return Int(exactly: UInt64(littleEndian: loadUnaligned(fromByteOffset: at, as: UInt64.self)))
    }
}
