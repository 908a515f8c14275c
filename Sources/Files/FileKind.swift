/// What a file is, told by its first bytes and never by its name.
package enum FileKind: Sendable {
    case zip, gzip, tar, safetensors, html, picture, empty, unknown

    /// Throws `FileError` if the file cannot be read.
    package static func detect(path: String) throws -> FileKind {
        let file = try MappedFile(path: path)
        return detect(try file.bytes(0..<min(file.count, 1024)), count: file.count)
    }

    /// - Parameters:
    ///   - head: the first bytes, 1024 if there are as many.
    ///   - count: the file's whole size.
    package static func detect(_ head: [UInt8], count: Int) -> FileKind {
        if head.isEmpty { return .empty }
        func begins(_ bytes: [UInt8], at offset: Int = 0) -> Bool {
            head.count >= offset + bytes.count && Array(head[offset..<(offset + bytes.count)]) == bytes
        }
        if begins([0x50, 0x4B, 0x03, 0x04]) || begins([0x50, 0x4B, 0x05, 0x06]) { return .zip }
        if begins([0x1F, 0x8B]) { return .gzip }
        if begins(Array("ustar".utf8), at: 257) { return .tar }
        // A safetensors file begins with the length of its header, 8 bytes, and the header with a brace.
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
