import Crypto

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
