import CCodecs

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Writer that replaces a file atomically: readers see either the old or the complete new content.
///
/// Bytes are written to a hidden temporary file in the same folder. `commit()` flushes it to the disk, renames it,
/// and flushes the folder. Without `commit()`, the temporary file is deleted with the object. If a process is killed,
/// the next writer of the same path deletes its temporary file. Symbolic links are followed. The permissions of a
/// replaced file are kept.
public final class AtomicFile {
    /// Path of the file to replace.
    public let path: String
    /// The number of bytes written so far.
    public private(set) var count = 0
    private let isDurable: Bool
    private let temporary: String
    private var descriptor: Int32

    /// Creates the temporary file.
    /// - Parameters:
    ///   - path: path of the file to replace or create.
    ///   - durably: false for many small files that can easily be written again, such as a folder of pictures: the
    ///     data is not flushed, and temporary files of killed processes are not searched.
    /// - Throws: `FileError` if the folder does not exist or is not writable.
    public init(path: String, durably: Bool = true) throws {
        self.path = path
        isDurable = durably
        let target = Self.resolve(path)
        let (folder, name) = Self.split(target)
        if durably { Self.removeAbandoned(in: folder, of: name) }
        // Another process can delete the file between its creation and the lock. In this case, try another name.
        for _ in 0..<16 {
            let tag = String(UInt64.random(in: .min ... .max), radix: 36)
            let candidate = folder + "/" + Self.prefix(name) + tag
            let opened = open(candidate, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
            if opened < 0 {
                if errno == EEXIST { continue }
                throw FileError.system(path, "create a file in \(folder)")
            }
            var status = stat()
            if flock(opened, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK
                || fstat(opened, &status) == 0 && status.st_nlink == 0
            {
                close(opened)
                continue
            }
            if stat(target, &status) == 0 { fchmod(opened, status.st_mode & 0o777) }
            (temporary, descriptor, self.target) = (candidate, opened, target)
            return
        }
        throw FileError(path: path, what: "cannot create a temporary file in \(folder)")
    }

    private let target: String

    deinit {
        guard descriptor >= 0 else { return }
        unlink(temporary)
        close(descriptor)
    }

    /// Appends bytes.
    /// - Throws: `FileError` if writing fails, for example because the disk is full.
    public func write(_ bytes: UnsafeRawBufferPointer) throws {
        precondition(descriptor >= 0, "AtomicFile.write after commit (\(path))")
        try put(bytes, at: count)
        // Starts writing to the disk in the background, which shortens the wait in `commit`.
        if isDurable, bytes.count >= 1 << 20 {
            ccodecs_begin_flush(descriptor, Int64(count), Int64(bytes.count))
        }
        count += bytes.count
    }

    /// Appends bytes.
    /// - Throws: `FileError` if writing fails, for example because the disk is full.
    public func write(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try write($0) } }

    /// Replaces bytes that were written before.
    /// - Parameters:
    ///   - bytes: the replacement.
    ///   - offset: position in the file in bytes. The range must be inside the bytes written so far.
    /// - Throws: `FileError` if writing fails.
    public func overwrite(_ bytes: [UInt8], at offset: Int) throws {
        precondition(descriptor >= 0, "AtomicFile.overwrite after commit (\(path))")
        precondition(
            offset >= 0 && bytes.count <= count - offset,
            "AtomicFile.overwrite: expected a range inside \(count) bytes, got \(bytes.count) at \(offset)")
        try bytes.withUnsafeBytes { try put($0, at: offset) }
    }

    /// Replaces the file with the written content. No method may be called afterwards.
    /// - Throws: `FileError` if flushing or renaming fails. The old content is then kept.
    public func commit() throws {
        precondition(descriptor >= 0, "AtomicFile.commit twice (\(path))")
        guard !isDurable || fsync(descriptor) == 0 else {
            throw FileError.system(path, "flush the file to the disk")
        }
        guard rename(temporary, target) == 0 else { throw FileError.system(path, "move the file into place") }
        close(descriptor)
        descriptor = -1
        guard isDurable else { return }
        let folder = open(Self.split(target).folder, O_RDONLY | O_CLOEXEC)
        guard folder >= 0 else { return }
        // Some file systems cannot flush folders. The content is already on the disk.
        _ = fsync(folder)
        close(folder)
    }

    /// Writes a complete file.
    /// - Throws: `FileError` if writing fails. The old content is then kept.
    public static func write(_ bytes: [UInt8], to path: String, durably: Bool = true) throws {
        let file = try AtomicFile(path: path, durably: durably)
        try file.write(bytes)
        try file.commit()
    }

    private func put(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
        var done = 0
        while done < bytes.count {
            // Linux writes at most 2 GiB per call.
            let part = min(bytes.count - done, 1 << 30)
            let written = pwrite(descriptor, bytes.baseAddress! + done, part, off_t(offset + done))
            if written < 0 {
                if errno == EINTR { continue }
                throw FileError.system(path, "write the file")
            }
            done += written
        }
    }
}

extension AtomicFile {
    private static func prefix(_ name: String) -> String { "." + name + ".partial-" }

    private static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        let folder = String(path[..<slash])
        return (folder.isEmpty ? "/" : folder, String(path[path.index(after: slash)...]))
    }

    /// Target of a chain of symbolic links.
    private static func resolve(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// Deletes temporary files of `name` that are not locked by a running process.
    private static func removeAbandoned(in folder: String, of name: String) {
        guard let listing = opendir(folder) else { return }
        defer { closedir(listing) }
        while let entry = readdir(listing) {
            let found = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard found.hasPrefix(prefix(name)) else { continue }
            let path = folder + "/" + found
            let opened = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
            guard opened >= 0 else { continue }
            if flock(opened, LOCK_EX | LOCK_NB) == 0 { unlink(path) }
            close(opened)
        }
    }
}
