import Foundation

/// A nameless file for bytes whose final place is not known yet. The system deletes it with the process, whatever ends
/// the process.
final class SpoolFile {
    private(set) var count = 0
    private let descriptor: Int32
    private let folder: String

    /// Throws `DataError` if nothing can be written in the folder.
    init(folder: String) throws {
        self.folder = folder
        let path = folder + "/.spool-" + String(UInt64.random(in: .min ... .max), radix: 36)
        descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SpoolFile.failure(folder, "create a file") }
        unlink(path)
    }

    deinit { close(descriptor) }

    /// Appends bytes.
    func write(_ bytes: UnsafeRawBufferPointer) throws {
        var done = 0
        while done < bytes.count {
            let part = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let written = pwrite(descriptor, part.baseAddress, min(part.count, 1 << 30), off_t(count))
            if written < 0 {
                if errno == EINTR { continue }
                throw SpoolFile.failure(folder, "write")
            }
            done += written
            count += written
        }
    }

    /// Gives everything back in order, piece by piece.
    func read(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4 << 20, alignment: 64)
        defer { buffer.deallocate() }
        var offset = 0
        while offset < count {
            let read = pread(descriptor, buffer.baseAddress, min(buffer.count, count - offset), off_t(offset))
            if read < 0, errno == EINTR { continue }
            guard read > 0 else { throw SpoolFile.failure(folder, "read back") }
            try body(UnsafeRawBufferPointer(rebasing: buffer[..<read]))
            offset += read
        }
    }

    private static func failure(_ folder: String, _ doing: String) -> DataError {
        let reason = String(cString: strerror(errno))
        return DataError(
            "\(folder): could not \(doing) (\(reason)): packing needs a folder that may be written, with room for the "
                + "store twice while it works")
    }
}
