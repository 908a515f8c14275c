import CCodecs

/// Decompresses deflate and gzip, step by step, through zlib.
final class Inflater {
    enum Status { case more, end, starved }

    private let handle: OpaquePointer
    private let path: String

    init(_ kind: ccodecs_stream_kind, path: String) throws {
        guard let handle = ccodecs_inflater_make(kind) else {
            throw FileError(path: path, what: "no memory left to decompress")
        }
        self.handle = handle
        self.path = path
    }

    deinit { ccodecs_inflater_free(handle) }

    /// Decompresses from `input` to `output` as far as either allows.
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
        case CCODECS_INFLATE_MEMORY: throw FileError(path: path, what: "no memory left to decompress")
        default: throw FileError.broken(path, "the compressed data are damaged")
        }
    }

    /// Begins another stream, as after a gzip member.
    func restart() throws {
        guard ccodecs_inflater_restart(handle) == CCODECS_INFLATE_MORE else {
            throw FileError.broken(path, "the compressed data are damaged")
        }
    }
}
