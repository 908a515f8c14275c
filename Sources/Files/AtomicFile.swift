import CCodecs

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Writes a file so that its name shows either the old content or the whole of the new one, whatever happens.
///
/// The bytes go to a hidden temporary beside `path`; `commit()` flushes them to the disk, renames, and flushes the
/// folder. Without `commit()` the temporary is deleted with the object. The temporary of a killed program is
/// deleted by the next writer of the same path. A symbolic link is followed; permissions of a replaced file stay.
public final class AtomicFile {
    public let path: String
    /// How many bytes were written so far.
    public private(set) var count = 0
    private let isDurable: Bool
    private let temporary: String
    private var descriptor: Int32

    /// - Parameter durably: false for many small files that are easily made again, as in a folder of pictures: nothing is
    ///   flushed, and temporaries of killed programs are not looked for.
    /// - Throws: `FileError` if the folder does not exist or may not be written.
    public init(path: String, durably: Bool = true) throws {
        self.path = path
        isDurable = durably
        let target = Self.resolve(path)
        let (folder, name) = Self.split(target)
        if durably { Self.removeAbandoned(in: folder, of: name) }
        // A cleaner may take the file between its creation and the lock; then another one is made.
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
        throw FileError(path: path, what: "could not create a temporary file in \(folder)")
    }

    private let target: String

    deinit {
        guard descriptor >= 0 else { return }
        unlink(temporary)
        close(descriptor)
    }

    /// Appends bytes.
    /// - Throws: `FileError`, as when the disk is full.
    public func write(_ bytes: UnsafeRawBufferPointer) throws {
        precondition(descriptor >= 0, "AtomicFile.write after commit (\(path))")
        try put(bytes, at: count)
        // The disk works while more is being made, so that `commit` waits for little.
        if isDurable, bytes.count >= 1 << 20 {
            ccodecs_begin_flush(descriptor, Int64(count), Int64(bytes.count))
        }
        count += bytes.count
    }

    /// Appends bytes.
    /// - Throws: `FileError`, as when the disk is full.
    public func write(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try write($0) } }

    /// Replaces bytes that were written before.
    /// - Throws: `FileError`, as when the disk is full.
    public func overwrite(_ bytes: [UInt8], at offset: Int) throws {
        precondition(descriptor >= 0, "AtomicFile.overwrite after commit (\(path))")
        precondition(
            offset >= 0 && bytes.count <= count - offset,
            "AtomicFile.overwrite: expected a range inside \(count) bytes, got \(bytes.count) at \(offset)")
        try bytes.withUnsafeBytes { try put($0, at: offset) }
    }

    /// Makes the new content the file's.
    /// - Throws: `FileError`; the old content is then still there.
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
        // Some file systems cannot flush folders; the content is safe already.
        _ = fsync(folder)
        close(folder)
    }

    /// Writes a whole file at once.
    /// - Throws: `FileError`; the old content is then still there.
    public static func write(_ bytes: [UInt8], to path: String, durably: Bool = true) throws {
        let file = try AtomicFile(path: path, durably: durably)
        try file.write(bytes)
        try file.commit()
    }

    private func put(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
        var done = 0
        while done < bytes.count {
            // Linux writes at most 2 GiB a call.
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

    /// The file that a chain of symbolic links ends at.
    private static func resolve(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// Deletes temporaries of `name` that no living program holds a lock on.
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
