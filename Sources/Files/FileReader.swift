#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Reads parts of a file into memory of the caller's; nothing of the file stays in the memory of the process.
///
/// Any number of threads may read. The file stays readable when it is renamed or deleted.
public final class FileReader: Sendable {
    public let path: String
    private let descriptor: Int32

    /// - Throws: `FileError` if the file cannot be opened.
    public init(path: String) throws {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError.system(path, "open the file") }
    }

    deinit { close(descriptor) }

    /// Fills `buffer` with the bytes from `offset` on.
    /// - Throws: `FileError` if the file ends before the buffer, or cannot be read.
    public func read(_ buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws {
        var done = 0
        while done < buffer.count {
            let count = pread(
                descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw FileError.system(path, "read the file") }
            guard count > 0 else {
                throw FileError.broken(
                    path, "the file ends at byte \(offset + done), in the middle of its content")
            }
            done += count
        }
    }
}

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
