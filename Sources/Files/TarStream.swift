/// The bytes that a tar archive is read from, in order.
struct TarStream {
    private enum Source {
        case plain(MappedFile)
        case gzip(GzipStream)
    }

    private let source: Source
    private let path: String
    /// How many bytes of the archive were passed.
    private(set) var position = 0

    init(_ file: MappedFile) throws {
        path = file.path
        source = try GzipStream.detect(file) ? .gzip(GzipStream(file)) : .plain(file)
    }

    /// The next `count` bytes; fewer at the end. Memory is taken as bytes arrive, not as they are announced.
    mutating func read(_ count: Int) throws -> [UInt8] {
        switch source {
        case .plain(let file):
            let range = position..<(position + min(count, file.count - position))
            position = range.upperBound
            return try file.bytes(range)
        case .gzip(let stream):
            var result: [UInt8] = []
            while result.count < count {
                let wanted = min(count - result.count, max(1 << 16, result.count))
                let piece = try [UInt8](unsafeUninitializedCapacity: wanted) { buffer, filled in
                    filled = try stream.read(into: UnsafeMutableRawBufferPointer(buffer))
                }
                result = result.isEmpty ? piece : result + piece
                if piece.count < wanted { break }
            }
            position += result.count
            return result
        }
    }

    /// The next `count` bytes, all of them.
    mutating func readAll(_ count: Int) throws -> [UInt8] {
        let bytes = try read(count)
        guard bytes.count == count else { throw FileError.broken(path, "the tar archive ends too early") }
        return bytes
    }

    /// Passes over `count` bytes.
    mutating func skip(_ count: Int) throws {
        var left = count
        while left > 0 {
            if case .plain(let file) = source {
                guard left <= file.count - position else {
                    throw FileError.broken(path, "the tar archive ends too early")
                }
                position += left
                return
            }
            left -= try readAll(min(left, 1 << 20)).count
        }
    }

    /// Reads what is left, so that a compressed stream's checksum is compared.
    mutating func drain() throws {
        if case .plain = source { return }
        while try !read(1 << 20).isEmpty {}
    }
}
