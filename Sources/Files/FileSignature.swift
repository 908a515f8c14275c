/// What a file looks like by its first bytes, for error messages: people often hold something else than they think,
/// such as the web page that a failed download left.
public enum FileSignature {
    /// A description such as "an HTML page", or `nil` if nothing is recognized.
    /// - Throws: `FileError` if the file cannot be read.
    public static func describe(path: String) throws -> String? { try describe(MappedFile(path: path)) }

    /// A description such as "an HTML page", or `nil` if nothing is recognized.
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

    /// An error that says what the file should be and what it seems to be instead.
    static func mismatch(_ file: MappedFile, expected: String) -> FileError {
        guard let found = describe(file) else { return FileError.broken(file.path, "not \(expected)") }
        guard found != expected else {
            return FileError.broken(file.path, "\(expected) that is cut off or damaged")
        }
        let advice =
            switch found {
            case "an HTML page": "The download failed; open the file in a browser to see why."
            case "a Git LFS pointer": "Fetch the content with git lfs pull."
            case "an empty file": "Get it again."
            case _ where found.hasSuffix("-compressed file"): "Unpack it first."
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
