/// Writer of uncompressed tar archives in the ustar format. Equal entries give equal bytes.
///
/// Every entry is a regular file with the permissions 0644, the owner 0 and the modification time 0. The archive gets its name
/// in `finish()`, so that a partial archive is never visible.
public final class TarWriter {
    /// Number of entries so far.
    public private(set) var entryCount = 0
    /// Size of the archive so far, in bytes.
    public var count: Int { file.count }
    private let file: AtomicFile
    private let path: String

    /// Largest size of an entry that the format can state, in bytes.
    public static let entryLimit = 1 << 33 - 1

    /// Starts an archive.
    /// - Parameter path: path of the archive, which is replaced atomically.
    /// - Throws: `FileError` if the file cannot be created.
    public init(path: String) throws {
        self.path = path
        file = try AtomicFile(path: path)
    }

    /// Appends a file.
    /// - Parameters:
    ///   - name: name in the archive, 1 to 100 bytes of UTF-8.
    ///   - bytes: content.
    /// - Throws: `FileError` for an invalid name or size, or if writing fails.
    public func add(_ name: String, _ bytes: [UInt8]) throws {
        guard (1...100).contains(name.utf8.count), !name.utf8.contains(0) else {
            throw FileError(
                path: path, what: "a name in a tar archive has 1 to 100 bytes, got \(name.utf8.count)",
                advice: "Choose a shorter name.")
        }
        guard bytes.count <= Self.entryLimit else {
            throw FileError(
                path: path, what: "an entry of a tar archive has at most 8 GiB, got \(bytes.count) bytes")
        }
        try file.write(Self.header(name, size: bytes.count))
        try file.write(bytes)
        try file.write([UInt8](repeating: 0, count: (512 - bytes.count % 512) % 512))
        entryCount += 1
    }

    /// Writes the end of the archive and moves it into place. No method may be called afterwards.
    /// - Throws: `FileError` if writing fails.
    public func finish() throws {
        try file.write([UInt8](repeating: 0, count: 1024))
        try file.commit()
    }

    /// Header block of a regular file: POSIX.1-1988, ustar.
    private static func header(_ name: String, size: Int) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ text: some Sequence<UInt8>, at offset: Int) {
            for (index, byte) in text.enumerated() { block[offset + index] = byte }
        }
        func octal(_ value: Int, digits: Int, at offset: Int) {
            let text = String(value, radix: 8)
            put((String(repeating: "0", count: max(0, digits - text.count)) + text).utf8, at: offset)
        }
        put(name.utf8, at: 0)
        octal(0o644, digits: 7, at: 100)
        octal(0, digits: 7, at: 108)
        octal(0, digits: 7, at: 116)
        octal(size, digits: 11, at: 124)
        octal(0, digits: 11, at: 136)
        put("        0".utf8, at: 148)
        put("ustar\0".utf8, at: 257)
        put("00".utf8, at: 263)
        octal(0, digits: 7, at: 329)
        octal(0, digits: 7, at: 337)
        let sum = block.reduce(0) { $0 + Int($1) }
        octal(sum, digits: 6, at: 148)
        put([0, 0x20], at: 154)
        return block
    }
}
