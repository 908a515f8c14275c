import CCodecs
import Crypto

/// Hashes and checksums: SHA-256, MD5, CRC-32 and CRC-32C.
public enum Digest {
    /// Returns the SHA-256 of bytes, 64 hexadecimal digits.
    public static func sha256(_ bytes: UnsafeRawBufferPointer) -> String {
        var stream = SHA256Stream()
        stream.update(bytes)
        return stream.finish()
    }

    /// Returns the SHA-256 of bytes, 64 hexadecimal digits.
    public static func sha256(_ bytes: [UInt8]) -> String { bytes.withUnsafeBytes { sha256($0) } }

    /// Returns the SHA-256 of the UTF-8 bytes of a text, 64 hexadecimal digits.
    public static func sha256(_ text: String) -> String { sha256(Array(text.utf8)) }

    /// Returns the SHA-256 of a file, 64 hexadecimal digits.
    /// - Throws: `FileError` if the file cannot be read.
    public static func sha256(file path: String) throws -> String {
        let file = try MappedFile(path: path)
        return try file.withBytes(file.all) { sha256($0) }
    }

    /// Incremental SHA-256.
    public struct SHA256Stream: Sendable {
        private var hash = SHA256()

        /// Creates the state for no bytes.
        public init() {}

        /// Adds bytes.
        public mutating func update(_ bytes: UnsafeRawBufferPointer) { hash.update(bufferPointer: bytes) }

        /// Adds bytes.
        public mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

        /// Returns the hash of all bytes added so far, 64 hexadecimal digits.
        public func finish() -> String {
            let digits = Array("0123456789abcdef".utf8)
            let text = hash.finalize().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
            return String(decoding: text, as: UTF8.self)
        }
    }

    /// Returns the CRC-32 used by zip, gzip and PNG.
    /// - Parameters:
    ///   - bytes: the bytes.
    ///   - crc: result for the preceding bytes.
    public static func crc32(_ bytes: UnsafeRawBufferPointer, continuing crc: UInt32 = 0) -> UInt32 {
        ccodecs_crc32(crc, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count)
    }

    /// Returns the CRC-32 used by zip, gzip and PNG.
    public static func crc32(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { crc32($0) } }

    /// Returns the CRC-32C (Castagnoli) used by TensorBoard's event files.
    public static func crc32c(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        ~bytes.reduce(~0) { crc, byte in castagnoli[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] ^ (crc >> 8) }
    }

    /// Returns the CRC-32C (Castagnoli) used by TensorBoard's event files.
    public static func crc32c(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { crc32c($0) } }

    private static let castagnoli: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { crc, _ in crc & 1 == 1 ? 0x82F6_3B78 ^ (crc >> 1) : crc >> 1 }
    }
}

extension Digest {
    /// Returns the MD5 of a file, 32 hexadecimal digits, for comparison with published checksums. MD5 does not
    /// protect against forgery.
    /// - Throws: `FileError` if the file cannot be read.
    public static func md5(file path: String) throws -> String {
        let file = try MappedFile(path: path)
        var hash = Insecure.MD5()
        try file.withBytes(file.all) { hash.update(bufferPointer: $0) }
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: hash.finalize().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
