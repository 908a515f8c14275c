import Foundation

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A file's bytes, mapped into memory and read through checked ranges.
///
/// The mapping lives as long as the object, also when the file is renamed or deleted. A file that somebody shortens
/// in place meanwhile ends the program (SIGBUS); `AtomicFile` never does that.
public final class MappedFile: Sendable {
    public let path: String
    /// The size in bytes.
    public let count: Int
    nonisolated(unsafe) private let base: UnsafeMutableRawPointer?

    /// - Throws: `FileError` if `path` is not a regular file that may be read.
    public init(path: String) throws {
        self.path = path
        // Without O_NONBLOCK a named pipe would wait for a writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw FileError.system(path, "open the file") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileError.system(path, "read the file's size") }
        guard status.st_mode & S_IFMT == S_IFREG else {
            let kind = status.st_mode & S_IFMT == S_IFDIR ? "is a folder" : "is not a regular file"
            throw FileError(path: path, what: kind, advice: "Name a file.")
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

    deinit { if let base { munmap(base, count) } }

    /// Calls `body` with the bytes of `range`, which are valid only inside the call.
    /// - Throws: `FileError` if the range is not inside the file; whatever `body` throws.
    public func withBytes<R>(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
        guard range.lowerBound >= 0, range.upperBound <= count else {
            throw FileError.broken(
                path, "bytes \(range.lowerBound)..<\(range.upperBound) are outside the file of \(count) bytes"
            )
        }
        let part = UnsafeRawBufferPointer(start: base.map { $0 + range.lowerBound }, count: range.count)
        return try withExtendedLifetime(self) { try body(part) }
    }

    /// A copy of the bytes of `range`.
    /// - Throws: `FileError` if the range is not inside the file.
    public func bytes(_ range: Range<Int>) throws -> [UInt8] { try withBytes(range) { Array($0) } }

    /// The whole file.
    public var all: Range<Int> { 0..<count }
}

/// The folder of packed pictures and pretrained weights.
public enum CacheFolder {
    /// `$FACEGAN_CACHE`, else `$XDG_CACHE_HOME/facegan`, else `~/.cache/facegan`.
    public static var path: String {
        let environment = ProcessInfo.processInfo.environment
        if let named = environment["FACEGAN_CACHE"], !named.isEmpty { return named }
        if let caches = environment["XDG_CACHE_HOME"], caches.hasPrefix("/") { return caches + "/facegan" }
        return NSHomeDirectory() + "/.cache/facegan"
    }
}
