import Foundation

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A read-only memory-mapped file with range checks.
///
/// The mapping remains valid while the object exists, also if the file is renamed or deleted. If another process
/// truncates the file in place, access ends the program (SIGBUS). `AtomicFile` never truncates in place.
public final class MappedFile: Sendable {
    /// Path of the file.
    public let path: String
    /// Size in bytes.
    public let count: Int
    nonisolated(unsafe) private let base: UnsafeMutableRawPointer?
    /// The file whose mapping a part shares; nil for a mapping of its own.
    private let whole: MappedFile?

    /// Maps a file.
    /// - Throws: `FileError` if `path` is not a readable regular file.
    public convenience init(path: String) throws { try self.init(path: path, bytes: nil) }

    /// Maps a file whose path need not be UTF-8.
    /// - Parameters:
    ///   - path: path for messages.
    ///   - bytes: path for the system; nil for that of `path`.
    /// - Throws: `FileError` if the path does not name a readable regular file.
    package convenience init(path: String, bytes: [UInt8]?) throws {
        // Without O_NONBLOCK, opening a named pipe would block until there is a writer.
        let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK
        let descriptor =
            bytes.map { bytes in
                (bytes + [0]).withUnsafeBufferPointer { name in
                    name.withMemoryRebound(to: CChar.self) { $0.baseAddress.map { open($0, flags) } ?? -1 }
                }
            } ?? open(path, flags)
        guard descriptor >= 0 else { throw FileError.system(path, "open the file") }
        defer { close(descriptor) }
        try self.init(path: path, descriptor: descriptor)
    }

    /// Maps the file of an open descriptor, which can be closed afterwards.
    /// - Throws: `FileError` if it is not a regular file.
    package init(path: String, descriptor: Int32) throws {
        self.path = path
        whole = nil
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileError.system(path, "read the file's size") }
        guard status.st_mode & S_IFMT == S_IFREG else {
            let kind = status.st_mode & S_IFMT == S_IFDIR ? "is a folder" : "is not a regular file"
            throw FileError(path: path, what: kind, advice: "Expected a regular file.")
        }
        count = Int(status.st_size)
        guard count > 0 else {
            base = nil
            return
        }
        let address = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0)
        guard let address, address != UnsafeMutableRawPointer(bitPattern: -1) else {
            throw FileError.system(path, "map the file into memory")
        }
        base = address
    }

    /// A part of another file, such as a stored entry of an archive. The bytes are not copied.
    /// - Throws: `FileError` if the range is not inside the file.
    package init(_ range: Range<Int>, of whole: MappedFile, path: String) throws {
        self.path = path
        self.whole = whole
        count = range.count
        base = try whole.withBytes(range) { UnsafeMutableRawPointer(mutating: $0.baseAddress) }
    }

    deinit { if whole == nil, let base { munmap(base, count) } }

    /// Calls `body` with the bytes of a range. The buffer is valid only during the call.
    /// - Throws: `FileError` if the range is not inside the file; errors of `body`.
    public func withBytes<R>(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
        guard range.lowerBound >= 0, range.upperBound <= count else {
            throw FileError.broken(
                path, "bytes \(range.lowerBound)..<\(range.upperBound) are outside the file of \(count) bytes"
            )
        }
        let part = UnsafeRawBufferPointer(start: base.map { $0 + range.lowerBound }, count: range.count)
        return try withExtendedLifetime(self) { try body(part) }
    }

    /// Maximum size of a copy in `bytes`: 1 GiB. A sparse file can have any size.
    public static let copyLimit = 1 << 30

    /// Returns a copy of the bytes of a range.
    /// - Throws: `FileError` if the range is not inside the file or has more than `copyLimit` bytes.
    public func bytes(_ range: Range<Int>) throws -> [UInt8] {
        try withBytes(range) { bytes in
            guard bytes.count <= Self.copyLimit else {
                throw FileError(
                    path: path, what: "\(bytes.count) bytes are too many to read at once",
                    advice: "Expected at most \(Self.copyLimit) bytes.")
            }
            return Array(bytes)
        }
    }

    /// Range of the whole file.
    public var all: Range<Int> { 0..<count }
}

/// Folder of cached stores and pretrained weights.
public enum CacheFolder {
    /// `$FACEGAN_CACHE` if set, otherwise `$XDG_CACHE_HOME/facegan`, otherwise `~/.cache/facegan`.
    public static var path: String {
        let environment = ProcessInfo.processInfo.environment
        if let named = environment["FACEGAN_CACHE"], !named.isEmpty { return named }
        if let caches = environment["XDG_CACHE_HOME"], caches.hasPrefix("/") { return caches + "/facegan" }
        return NSHomeDirectory() + "/.cache/facegan"
    }
}
