import CCodecs

/// Sequential decompression of a gzip file. Consecutive members form one stream.
final class GzipStream {
    private let file: MappedFile
    private let inflater: Inflater
    private var position = 0
    private var isEnded = false

    /// Whether a file begins with the signature of gzip.
    static func detect(_ file: MappedFile) throws -> Bool {
        try file.count >= 2 && file.withBytes(0..<2) { $0.u16(0) == 0x8B1F }
    }

    /// Starts at the beginning of a file.
    init(_ file: MappedFile) throws {
        self.file = file
        inflater = try Inflater(CCODECS_GZIP, path: file.path)
    }

    /// Fills `output` and returns the number of bytes. It is smaller than the buffer only at the end, after the
    /// checksum was verified.
    func read(into output: UnsafeMutableRawBufferPointer) throws -> Int {
        var filled = 0
        while filled < output.count, !isEnded {
            let free = UnsafeMutableRawBufferPointer(rebasing: output[filled...])
            let step = try file.withBytes(position..<min(file.count, position + 1 << 20)) {
                try inflater.step($0, free)
            }
            position += step.consumed
            filled += step.produced
            if step.status == .end {
                try nextMember()
            } else if step.status == .starved, position == file.count {
                throw FileError.broken(file.path, "the compressed data is truncated")
            }
        }
        return filled
    }

    /// Continues with the next member, or ends the stream after zero padding.
    private func nextMember() throws {
        let rest = position..<file.count
        if rest.count >= 2, try file.withBytes(rest, { $0.u16(0) == 0x8B1F }) {
            return try inflater.restart()
        }
        // Tape drives and some servers pad with zeros.
        guard try file.withBytes(rest, { $0.allSatisfy { $0 == 0 } }) else {
            throw FileError.broken(file.path, "other data follows the compressed data")
        }
        isEnded = true
    }
}

/// Incremental decompression of deflate and gzip with zlib.
final class Inflater {
    /// `more`: continue with more output space; `end`: the stream is complete; `starved`: more input is needed.
    enum Status { case more, end, starved }

    private let handle: OpaquePointer
    private let path: String

    init(_ kind: ccodecs_stream_kind, path: String) throws {
        guard let handle = ccodecs_inflater_make(kind) else {
            throw FileError(path: path, what: "not enough memory to decompress the file")
        }
        self.handle = handle
        self.path = path
    }

    deinit { ccodecs_inflater_free(handle) }

    /// Decompresses from `input` to `output` until either is exhausted.
    func step(_ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer) throws
        -> (status: Status, consumed: Int, produced: Int)
    {
        var (consumed, produced) = (0, 0)
        let status = ccodecs_inflater_step(
            handle, input.bindMemory(to: UInt8.self).baseAddress, input.count, &consumed,
            output.bindMemory(to: UInt8.self).baseAddress, output.count, &produced)
        switch status {
        case CCODECS_INFLATE_MORE: return (.more, consumed, produced)
        case CCODECS_INFLATE_END: return (.end, consumed, produced)
        case CCODECS_INFLATE_STARVED: return (.starved, consumed, produced)
        case CCODECS_INFLATE_MEMORY:
            throw FileError(
                path: path,
                what:
                    "not enough memory to decompress the file")
        default: throw FileError.broken(path, "the compressed data is damaged")
        }
    }

    /// Starts a new stream, for the next gzip member.
    func restart() throws {
        guard ccodecs_inflater_restart(handle) == CCODECS_INFLATE_MORE else {
            throw FileError.broken(path, "the compressed data is damaged")
        }
    }
}
