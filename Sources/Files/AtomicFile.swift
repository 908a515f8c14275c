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
///
/// Pipes, character devices and standard output (`/dev/stdout`, `/dev/fd/N`) cannot be replaced: `commit()` writes the content
/// to them. A pipe without a reader waits for one, until `FileCancellation` reports a request to end. Folders and block devices are
/// refused.
public final class AtomicFile {
    /// Path of the file to replace.
    public let path: String
    /// The number of bytes written so far.
    public private(set) var count = 0
    private let isDurable: Bool
    private let temporary: String
    private var descriptor: Int32
    /// Content for a target that is written in place; nil for a file that is replaced.
    private var content: [UInt8]?

    /// Creates the temporary file.
    /// - Parameters:
    ///   - path: path of the file to replace or create.
    ///   - durably: false for many small files that can easily be written again, such as a folder of pictures: the
    ///     data is not flushed, and temporary files of killed processes are not searched.
    /// - Throws: `FileError` if the folder does not exist or is not writable, or if the path is a folder or a block device;
    ///   `CancellationError` if `FileCancellation` reports a request to end.
    public init(path: String, durably: Bool = true) throws {
        self.path = path
        isDurable = durably
        if let stream = try Self.openStream(path) {
            (descriptor, content, temporary, target) = (stream, [], "", "")
            return
        }
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
        if content == nil { unlink(temporary) }
        close(descriptor)
    }

    /// Appends bytes.
    /// - Throws: `FileError` if writing fails, for example because the disk is full.
    public func write(_ bytes: UnsafeRawBufferPointer) throws {
        precondition(descriptor >= 0, "AtomicFile.write after commit (\(path))")
        if content != nil {
            content?.append(contentsOf: bytes)
            count += bytes.count
            return
        }
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
        if content != nil {
            content?.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
        } else {
            try bytes.withUnsafeBytes { try put($0, at: offset) }
        }
    }

    /// Replaces the file with the written content. No method may be called afterwards.
    /// - Throws: `FileError` if flushing or renaming fails. The old content is then kept. `CancellationError` if `FileCancellation`
    ///   reports a request to end.
    public func commit() throws {
        precondition(descriptor >= 0, "AtomicFile.commit twice (\(path))")
        if let content {
            try content.withUnsafeBytes { try put($0, at: nil) }
            let closed = close(descriptor)
            descriptor = -1
            guard closed == 0 else { throw FileError.system(path, "write the file") }
            return
        }
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

    /// Writes bytes at an offset, or nil for the current position.
    private func put(_ bytes: UnsafeRawBufferPointer, at offset: Int?) throws {
        var done = 0
        while done < bytes.count {
            // Linux writes at most 2 GiB per call.
            let part = min(bytes.count - done, 1 << 30)
            let start = bytes.baseAddress! + done
            let written =
                try offset.map { pwrite(descriptor, start, part, off_t($0 + done)) }
                ?? writeStream(descriptor, start, part)
            if written < 0 {
                if errno == EINTR { continue }
                throw FileError.system(path, "write the file")
            }
            done += written
        }
    }
}

extension AtomicFile {
    /// Opens a target that is written in place.
    /// - Returns: the descriptor; nil for a file that can be replaced, or that does not exist.
    /// - Throws: `FileError` for a folder, a block device, or a target that cannot be opened; `CancellationError`.
    private static func openStream(_ path: String) throws -> Int32? {
        if let number = descriptorNumber(path) {
            let copy = fcntl(number, F_DUPFD_CLOEXEC, 0)
            guard copy >= 0 else { throw FileError.system(path, "write to descriptor \(number)") }
            return copy
        }
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return nil
        case S_IFDIR: throw FileError(path: path, what: "is a folder", advice: "Name a file.")
        case S_IFBLK: throw FileError(path: path, what: "is a disk", advice: "Name a file.")
        default:
            while true {
                // A blocking call would not end at a signal whose handler only sets a flag.
                let opened = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
                if opened >= 0 { return opened }
                // There is no reader yet.
                guard errno == ENXIO, status.st_mode & S_IFMT == S_IFIFO else {
                    throw FileError.system(path, "write")
                }
                try FileCancellation.checkRequest()
                usleep(20_000)
            }
        }
    }

    /// Whether a path names standard output, such as `/dev/stdout`.
    public static func isStandardOutput(_ path: String) -> Bool { descriptorNumber(path) == 1 }

    /// Number of a descriptor of this process that a path names, such as 1 for `/dev/stdout`; nil for other paths.
    private static func descriptorNumber(_ path: String) -> Int32? {
        var path = path
        // A symbolic link can lead to such a path. Linux resolves at most 40 links.
        for _ in 0..<40 {
            if path == "/dev/stdout" { return 1 }
            if path == "/dev/stderr" { return 2 }
            let folders = ["/dev/fd/", "/proc/self/fd/", "/proc/\(getpid())/fd/"]
            for folder in folders where path.hasPrefix(folder) { return Int32(path.dropFirst(folder.count)) }
            guard let target = linkTarget(path) else { return nil }
            path = target.hasPrefix("/") ? target : split(path).folder + "/" + target
        }
        return nil
    }

    /// Text of a symbolic link; nil for anything else.
    private static func linkTarget(_ path: String) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4097) { buffer in
            let count = readlink(path, buffer.baseAddress!, 4096)
            guard count >= 0 else { return nil }
            return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

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

/// Writes to a stream. A descriptor in non-blocking mode can be busy: then it waits.
/// - Throws: `CancellationError` if `FileCancellation` reports a request to end.
private func writeStream(_ descriptor: Int32, _ start: UnsafeRawPointer, _ count: Int) throws -> Int {
    while true {
        let written = write(descriptor, start, count)
        guard written < 0, errno == EAGAIN else { return written }
        var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&ready, 1, 100)
        try FileCancellation.checkRequest()
    }
}
