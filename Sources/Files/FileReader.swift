#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Reader of byte ranges of a file into buffers of the caller. It does not map or cache the file.
///
/// Any number of threads may read. The file remains readable if it is renamed or deleted.
public final class FileReader: Sendable {
    /// Path of the file.
    public let path: String
    private let descriptor: Int32

    /// Opens a file.
    /// - Throws: `FileError` if the file cannot be opened.
    public init(path: String) throws {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError.system(path, "open the file") }
    }

    deinit { close(descriptor) }

    /// Fills a buffer with the bytes that start at `offset`.
    /// - Throws: `FileError` if the file ends before the buffer is full or cannot be read.
    public func read(_ buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws {
        var done = 0
        while done < buffer.count {
            let count = pread(
                descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw FileError.system(path, "read the file") }
            guard count > 0 else {
                throw FileError.broken(
                    path, "the file ends prematurely at byte \(offset + done)")
            }
            done += count
        }
    }
}

/// Little-endian integers at unaligned offsets. Access out of bounds traps, also in release builds, unlike the
/// buffer's own subscript.
extension UnsafeRawBufferPointer {
    /// Reads one byte.
    func u8(_ at: Int) -> UInt8 {
        precondition(at >= 0 && at < count, "expected a byte offset in 0..<\(count), got \(at)")
        return self[at]
    }

    /// Reads two bytes.
    func u16(_ at: Int) -> Int {
        precondition(
            at >= 0 && at <= count - 2,
            "expected 2 bytes inside \(count) bytes, got the offset \(at)")
        return Int(UInt16(littleEndian: loadUnaligned(fromByteOffset: at, as: UInt16.self)))
    }

    /// Reads four bytes.
    func u32(_ at: Int) -> Int {
        precondition(
            at >= 0 && at <= count - 4,
            "expected 4 bytes inside \(count) bytes, got the offset \(at)")
        return Int(UInt32(littleEndian: loadUnaligned(fromByteOffset: at, as: UInt32.self)))
    }

    /// Reads eight bytes. Returns nil if the value exceeds `Int.max`.
    func u64(_ at: Int) -> Int? {
        precondition(
            at >= 0 && at <= count - 8,
            "expected 8 bytes inside \(count) bytes, got the offset \(at)")
        return Int(exactly: UInt64(littleEndian: loadUnaligned(fromByteOffset: at, as: UInt64.self)))
    }
}

extension FixedWidthInteger {
    /// Bytes of the number, the lowest first.
    public var littleEndianBytes: [UInt8] { withUnsafeBytes(of: littleEndian) { Array($0) } }
}
