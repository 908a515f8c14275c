#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// An error with a file: its path, the problem and advice.
public struct FileError: Error, CustomStringConvertible, Equatable {
    /// Path of the file.
    public let path: String
    /// The problem, without a full stop.
    public let what: String
    /// What the user can do, as sentences; can be empty.
    public let advice: String

    /// Creates an error.
    public init(path: String, what: String, advice: String = "") {
        self.path = path
        self.what = what
        self.advice = advice
    }

    /// Path, problem and advice in one line.
    public var description: String { "\(path): \(what)." + (advice.isEmpty ? "" : " " + advice) }
}

extension FileError {
    /// An error of the last system call.
    static func system(_ path: String, _ action: String, code: Int32 = errno) -> FileError {
        let reason = strerror(code).map { String(cString: $0) } ?? "error \(code)"
        let advice =
            switch code {
            case ENOENT: "Check the path; relative paths start at the current folder."
            case EACCES, EPERM, EROFS: "Check the permissions."
            case ENOSPC, EDQUOT: "Free some disk space; no file was replaced."
            case EMFILE, ENFILE: "Increase the limit of open files (ulimit -n)."
            default: ""
            }
        return FileError(path: path, what: "cannot \(action) (\(reason))", advice: advice)
    }

    /// A violation of the file format.
    static func broken(_ path: String, _ what: String) -> FileError {
        FileError(
            path: path, what: what,
            advice:
                "The file is damaged or incomplete; download or create it again.")
    }
}

/// Recognition of a file's type by its first bytes, for error messages. A failed download, for example, often leaves
/// a web page.
public enum FileSignature {
    /// Returns a description such as "an HTML page"; nil if the type is not recognized.
    /// - Throws: `FileError` if the file cannot be read.
    public static func describe(path: String) throws -> String? { try describe(MappedFile(path: path)) }

    /// Returns a description such as "an HTML page"; nil if the type is not recognized.
    public static func describe(_ file: MappedFile) -> String? {
        guard let start = try? file.bytes(0..<min(file.count, 512)) else { return nil }
        if start.isEmpty { return "an empty file" }
        if let known = signatures.first(where: { start.starts(with: $0.bytes) }) { return known.name }
        if start.count >= 263, start[257..<262].elementsEqual("ustar".utf8) { return "a tar archive" }
        if start.count > 8, start[8] == UInt8(ascii: "{"), start[4..<8].allSatisfy({ $0 == 0 }) {
            return "a safetensors file"
        }
        let text = String(decoding: start.drop { $0 <= 32 }.prefix(16), as: UTF8.self).lowercased()
        return text.hasPrefix("<!doctype html") || text.hasPrefix("<html") ? "an HTML page" : nil
    }

    /// An error that states the expected and the recognized type of a file.
    static func mismatch(_ file: MappedFile, expected: String) -> FileError {
        guard let found = describe(file) else { return FileError.broken(file.path, "not \(expected)") }
        guard found != expected else {
            return FileError.broken(file.path, "\(expected) that is truncated or damaged")
        }
        let advice =
            switch found {
            case "an HTML page": "The download failed; open the file in a browser to read the message."
            case "a Git LFS pointer": "Fetch the content with git lfs pull."
            case "an empty file": "Download or create it again."
            case _ where found.hasSuffix("-compressed file"): "Decompress it first."
            default: ""
            }
        return FileError(path: file.path, what: "not \(expected) but \(found)", advice: advice)
    }

    private static let signatures: [(bytes: [UInt8], name: String)] = [
        (Array("PK\u{3}\u{4}".utf8), "a zip archive"), (Array("PK\u{5}\u{6}".utf8), "a zip archive"),
        ([0x1F, 0x8B], "a gzip-compressed file"), ([0xFD, 0x37, 0x7A, 0x58, 0x5A], "an xz-compressed file"),
        (Array("BZh".utf8), "a bzip2-compressed file"), ([0x28, 0xB5, 0x2F, 0xFD], "a zstd-compressed file"),
        (Array("7z".utf8) + [0xBC, 0xAF], "a 7z archive"), (Array("Rar!".utf8), "a RAR archive"),
        ([0xFF, 0xD8, 0xFF], "a JPEG picture"), ([0x89, 0x50, 0x4E, 0x47], "a PNG picture"),
        ([0x89, 0x48, 0x44, 0x46], "an HDF5 file"), (Array("%PDF".utf8), "a PDF document"),
        (Array("version https://git-lfs".utf8), "a Git LFS pointer"),
        ([0x80, 0x02], "a Python pickle"), ([0x80, 0x03], "a Python pickle"),
        ([0x80, 0x04], "a Python pickle"),
    ]
}

/// Type of a file, recognized by its first bytes and not by its name.
package enum FileKind: Sendable {
    case zip, gzip, tar, safetensors, html, picture, empty, unknown

    /// Returns the type of a file.
    /// - Throws: `FileError` if the file cannot be read.
    package static func detect(path: String) throws -> FileKind {
        let file = try MappedFile(path: path)
        return detect(try file.bytes(0..<min(file.count, 1024)), count: file.count)
    }

    /// Returns the type of a file from its first bytes.
    /// - Parameters:
    ///   - head: the first 1024 bytes, or all if there are fewer.
    ///   - count: size of the file in bytes.
    package static func detect(_ head: [UInt8], count: Int) -> FileKind {
        if head.isEmpty { return .empty }
        func begins(_ bytes: [UInt8], at offset: Int = 0) -> Bool {
            head.count >= offset + bytes.count && Array(head[offset..<(offset + bytes.count)]) == bytes
        }
        if begins([0x50, 0x4B, 0x03, 0x04]) || begins([0x50, 0x4B, 0x05, 0x06]) { return .zip }
        if begins([0x1F, 0x8B]) { return .gzip }
        if begins(Array("ustar".utf8), at: 257) { return .tar }
        // A safetensors file begins with the length of the header (8 bytes), followed by a brace.
        if begins([UInt8(ascii: "{")], at: 8),
            head.prefix(8).reversed().reduce(0, { $0 << 8 | Int($1) }) < count
        {
            return .safetensors
        }
        let isWebP = begins(Array("RIFF".utf8)) && begins(Array("WEBP".utf8), at: 8)
        if isWebP || pictures.contains(where: { begins($0) }) { return .picture }
        let text = String(decoding: head.drop { $0 <= 0x20 || $0 >= 0x80 }.prefix(64), as: UTF8.self)
            .lowercased()
        if ["<!doctype html", "<html", "<head", "<?xml", "<script", "<!--"].contains(where: {
            text.hasPrefix($0)
        }) {
            return .html
        }
        return .unknown
    }

    /// First bytes of JPEG, PNG, GIF and BMP files.
    private static let pictures: [[UInt8]] = [
        [0xFF, 0xD8, 0xFF], [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], Array("GIF8".utf8),
        Array("BM".utf8),
    ]
}
