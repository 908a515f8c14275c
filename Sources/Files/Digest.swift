import CCodecs
import Crypto

/// Fingerprints of bytes: SHA-256 for identity, CRC-32 and CRC-32C because file formats ask for them.
public enum Digest {
    /// The SHA-256 of `bytes`, 64 hexadecimal digits.
    public static func sha256(_ bytes: UnsafeRawBufferPointer) -> String {
        var stream = SHA256Stream()
        stream.update(bytes)
        return stream.finish()
    }

    /// The SHA-256 of `bytes`, 64 hexadecimal digits.
    public static func sha256(_ bytes: [UInt8]) -> String { bytes.withUnsafeBytes { sha256($0) } }

    /// The SHA-256 of a text's UTF-8 bytes, 64 hexadecimal digits.
    public static func sha256(_ text: String) -> String { sha256(Array(text.utf8)) }

    /// The SHA-256 of a file, 64 hexadecimal digits.
    /// - Throws: `FileError` if it cannot be read.
    public static func sha256(file path: String) throws -> String {
        let file = try MappedFile(path: path)
        return try file.withBytes(file.all) { sha256($0) }
    }

    /// The SHA-256 of bytes that come piece by piece.
    public struct SHA256Stream: Sendable {
        private var hash = SHA256()

        public init() {}

        public mutating func update(_ bytes: UnsafeRawBufferPointer) { hash.update(bufferPointer: bytes) }

        public mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

        /// 64 hexadecimal digits.
        public func finish() -> String {
            let digits = Array("0123456789abcdef".utf8)
            let text = hash.finalize().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
            return String(decoding: text, as: UTF8.self)
        }
    }

    /// The CRC-32 of zip, gzip and PNG.
    /// - Parameter continuing: the result for the bytes before these.
    public static func crc32(_ bytes: UnsafeRawBufferPointer, continuing crc: UInt32 = 0) -> UInt32 {
        ccodecs_crc32(crc, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count)
    }

    /// The CRC-32 of zip, gzip and PNG.
    public static func crc32(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { crc32($0) } }

    /// The CRC-32C (Castagnoli) of TensorBoard's event files.
    public static func crc32c(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        ~bytes.reduce(~0) { crc, byte in castagnoli[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] ^ (crc >> 8) }
    }

    /// The CRC-32C (Castagnoli) of TensorBoard's event files.
    public static func crc32c(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { crc32c($0) } }

    private static let castagnoli: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { crc, _ in crc & 1 == 1 ? 0x82F6_3B78 ^ (crc >> 1) : crc >> 1 }
    }
}

extension Digest {
    /// The MD5 of a file, 32 hexadecimal digits: for comparison with published sums, not against forgery.
    /// - Throws: `FileError` if it cannot be read.
    public static func md5(file path: String) throws -> String {
        let file = try MappedFile(path: path)
        var hash = Insecure.MD5()
        try file.withBytes(file.all) { hash.update(bufferPointer: $0) }
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: hash.finalize().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
