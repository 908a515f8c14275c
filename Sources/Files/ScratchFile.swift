import Foundation

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Temporary files without a name, in `$TMPDIR` or `/tmp`. The system deletes them when they are released or the
/// process ends for any reason.
enum ScratchFile {
    /// Writes a file and maps it.
    /// - Parameters:
    ///   - path: path for messages, such as that of the archive whose content is written.
    ///   - body: receives a function that appends bytes.
    /// - Throws: `FileError` if the file cannot be written; errors of `body`.
    static func write(
        path: String, _ body: (_ append: (UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) throws -> MappedFile {
        let folder = ProcessInfo.processInfo.environment["TMPDIR"].flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
        let name = folder + "/facegan-" + String(UInt64.random(in: .min ... .max), radix: 36)
        let descriptor = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure(path, folder, "create") }
        defer { close(descriptor) }
        unlink(name)
        try body { bytes in
            var done = 0
            while done < bytes.count {
                let part = UnsafeRawBufferPointer(rebasing: bytes[done...])
                let written = Foundation.write(descriptor, part.baseAddress, min(part.count, 1 << 30))
                if written < 0, errno == EINTR { continue }
                guard written > 0 else { throw failure(path, folder, "write") }
                done += written
            }
        }
        return try MappedFile(path: path, descriptor: descriptor)
    }

    private static func failure(_ path: String, _ folder: String, _ action: String) -> FileError {
        let reason = strerror(errno).map { String(cString: $0) } ?? "error \(errno)"
        return FileError(
            path: path, what: "cannot \(action) a temporary copy in \(folder) (\(reason))",
            advice: "Free disk space, set TMPDIR to another folder, or unpack the archive.")
    }
}
