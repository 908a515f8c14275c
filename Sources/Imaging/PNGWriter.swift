import CCodecs

/// Writer of the chunks of a PNG file. Chunk layouts: PNG specification, third edition (W3C, 2025).
struct PNGWriter {
    private var bytes: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    /// Sequence number of the next fcTL or fdAT chunk.
    private var sequence = 0

    init(_ picture: Picture) {
        let color: UInt8 = [1: 0, 3: 2, 4: 6][picture.channels] ?? 2
        chunk("IHDR", Self.long(picture.width) + Self.long(picture.height) + [8, color, 0, 0, 0])
    }

    mutating func text(_ key: String, _ value: String) throws {
        let key = Array(key.utf8)
        guard (1...79).contains(key.count), key.allSatisfy({ (32...126).contains($0) }) else {
            throw ImagingError(
                "expected a PNG text key of 1...79 ASCII characters, got "
                    + "\"\(String(decoding: key, as: UTF8.self))\"")
        }
        // Key, compression flag and method, empty language, empty translated key.
        chunk("iTXt", key + [0, 0, 0, 0, 0] + Array(value.utf8).filter { $0 != 0 })
    }

    mutating func animationControl(frames: Int) { chunk("acTL", Self.long(frames) + Self.long(0)) }

    mutating func frameControl(width: Int, height: Int, milliseconds: Int) {
        var payload = Self.long(sequence) + Self.long(width) + Self.long(height)
        payload += Self.long(0) + Self.long(0)
        // The delay is a fraction of two 16-bit numbers. Then: no disposal, replacement of all pixels.
        payload += Self.long(milliseconds << 16 | 1000)
        payload += [0, 0]
        chunk("fcTL", payload)
        sequence += 1
    }

    mutating func frameData(_ data: some Collection<UInt8>) {
        chunk("fdAT", Self.long(sequence) + data)
        sequence += 1
    }

    mutating func chunk(_ kind: String, _ payload: some Collection<UInt8>) {
        let start = bytes.count + 4
        bytes += Self.long(payload.count)
        bytes += Array(kind.utf8)
        bytes.append(contentsOf: payload)
        let crc = bytes.withUnsafeBufferPointer {
            ccodecs_crc32(0, $0.baseAddress! + start, $0.count - start)
        }
        bytes += Self.long(Int(crc))
    }

    consuming func finished() -> [UInt8] {
        chunk("IEND", [])
        return bytes
    }

    private static func long(_ value: Int) -> [UInt8] {
        [UInt8(value >> 24 & 255), UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255)]
    }
}
