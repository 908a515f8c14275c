import Files
import Foundation

/// A file that only grows, a whole record at a time, without a buffer of its own: what was written survives
/// the end of the process.
final class AppendingFile {
    let path: String
    private(set) var count: Int
    private let descriptor: Int32

    /// Opens or creates a file and cuts it to `count` bytes.
    ///
    /// - Throws: `FileError` when the folder may not be written.
    init(path: String, keeping count: Int) throws {
        self.path = path
        self.count = count
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            throw Self.error(path, "opened", "Check that the folder exists and may be written.")
        }
        guard ftruncate(descriptor, off_t(count)) == 0 else {
            close(descriptor)
            throw Self.error(path, "cut back", "")
        }
    }

    deinit { close(descriptor) }

    /// Appends one record; a record that does not fit on the disk leaves nothing behind.
    ///
    /// - Throws: `FileError`, as when the disk is full.
    func append(_ record: [UInt8]) throws {
        var done = 0
        while done < record.count {
            let written = record.withUnsafeBytes {
                write(descriptor, $0.baseAddress! + done, record.count - done)
            }
            if written < 0 {
                if errno == EINTR { continue }
                let error = Self.error(path, "written", "Free some space, then train on.")
                ftruncate(descriptor, off_t(count))
                throw error
            }
            done += written
        }
        count += record.count
    }

    /// Waits until the disk has everything: before a checkpoint that counts on it.
    func synchronize() throws {
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw Self.error(path, "flushed", "") }
    }

    private static func error(_ path: String, _ done: String, _ advice: String) -> FileError {
        FileError(
            path: path, what: "the log could not be \(done) (\(String(cString: strerror(errno))))",
            advice: advice)
    }
}
