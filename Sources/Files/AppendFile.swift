#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A file that grows at its end, such as a journal. After a crash, it is cut to the length that is known to be complete.
public final class AppendFile {
    /// Path of the file.
    public let path: String
    /// Size in bytes.
    public private(set) var count: Int
    private let descriptor: Int32

    /// Opens or creates a file, and cuts it.
    /// - Parameters:
    ///   - path: path of the file.
    ///   - length: number of bytes to keep.
    /// - Throws: `FileError` if the file cannot be opened, or has fewer bytes.
    public init(path: String, keeping length: Int) throws {
        precondition(length >= 0, "AppendFile: expected a length of 0 or more, got \(length)")
        (self.path, count) = (path, length)
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw FileError.system(path, "open the file") }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileError.system(path, "read the file's size") }
        guard Int(status.st_size) >= length else {
            throw FileError.broken(path, "the file has \(status.st_size) bytes, expected \(length) or more")
        }
        guard ftruncate(descriptor, off_t(length)) == 0 else { throw FileError.system(path, "cut the file") }
    }

    deinit { close(descriptor) }

    /// Appends bytes.
    /// - Throws: `FileError` if writing fails, for example because the disk is full.
    public func append(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { buffer in
            var done = 0
            while done < buffer.count {
                let part = min(buffer.count - done, 1 << 30)
                let written = pwrite(
                    descriptor, buffer.baseAddress.map { $0 + done }, part, off_t(count + done))
                if written < 0, errno == EINTR { continue }
                guard written > 0 else { throw FileError.system(path, "write the file") }
                done += written
            }
        }
        count += bytes.count
    }

    /// Waits until all bytes are on the disk.
    /// - Throws: `FileError` if that fails.
    public func flush() throws {
        guard fsync(descriptor) == 0 else { throw FileError.system(path, "flush the file to the disk") }
    }
}

/// Lock of a file between processes. It ends with the object or with the process.
public final class FileLock {
    private let descriptor: Int32

    /// Creates the file if it does not exist, and locks it.
    /// - Returns: nil if another process has the lock.
    /// - Throws: `FileError` if the file cannot be opened.
    public init?(path: String) throws {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileError.system(path, "open the file") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { return nil }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }
}
