extension PictureDecoder {
    static func headerBMP(_ bytes: UnsafeRawBufferPointer) throws -> Header {
        let file = try BMPFile(bytes)
        return Header(format: .bmp, width: file.width, height: file.height, orientation: 1)
    }

    static func decodeBMP(_ bytes: UnsafeRawBufferPointer, _ limits: DecodeLimits) throws -> Decoded {
        let file = try BMPFile(bytes)
        try limits.check(width: file.width, height: file.height)
        return decoded(try file.picture(), .bmp)
    }
}

/// Reader of BMP files of Windows and OS/2: 1, 2, 4, 8, 16, 24 and 32 bits per pixel, RLE4, RLE8 and bit fields.
///
/// Layout: Microsoft, "Bitmap Storage" and the structures BITMAPCOREHEADER to BITMAPV5HEADER of the Windows GDI.
struct BMPFile {
    let width: Int
    let height: Int
    private let bytes: UnsafeRawBufferPointer
    private let isTopDown: Bool
    private let bits: Int
    private let compression: Int
    /// Offset of the pixels.
    private let offset: Int
    /// Bit masks of red, green, blue and alpha, for 16 and 32 bits per pixel.
    private var masks: [UInt32] = []
    private var palette: [(UInt8, UInt8, UInt8)] = []

    private enum Compression {
        static let none = 0
        static let rle8 = 1
        static let rle4 = 2
        static let bitFields = 3
        static let alphaBitFields = 6
    }

    /// Reads and checks the header.
    /// - Throws: `ImagingError` if it is damaged or the kind of BMP is not supported.
    init(_ bytes: UnsafeRawBufferPointer) throws {
        self.bytes = bytes
        let header = try Self.long(bytes, 14)
        guard header == 12 || (16...256).contains(header), header + 14 <= bytes.count else {
            throw Self.damaged("a header of \(header) bytes")
        }
        func field(_ at: Int) throws -> Int { at + 4 <= header + 14 ? try Self.long(bytes, at) : 0 }
        let isCore = header == 12
        if isCore {
            (width, height) = (try Self.short(bytes, 18), try Self.short(bytes, 20))
            (isTopDown, bits, compression) = (false, try Self.short(bytes, 24), Compression.none)
        } else {
            let signed = Int(Int32(truncatingIfNeeded: try Self.long(bytes, 22)))
            width = Int(Int32(truncatingIfNeeded: try Self.long(bytes, 18)))
            (height, isTopDown) = (abs(signed), signed < 0)
            (bits, compression) = (try Self.short(bytes, 28), try field(30))
        }
        guard width > 0, height > 0 else { throw Self.damaged("\(width)x\(height) pixels") }
        let known: [Int] =
            switch compression {
            case Compression.none: [1, 2, 4, 8, 16, 24, 32]
            case Compression.rle8 where !isTopDown: [8]
            case Compression.rle4 where !isTopDown: [4]
            // In the header of OS/2 2, 3 is Huffman coding.
            case Compression.bitFields where header != 64, Compression.alphaBitFields: [16, 32]
            default: []
            }
        guard known.contains(bits) else {
            throw ImagingError(
                "BMP pictures with \(bits) bits per pixel and compression \(compression) are not supported",
                advice: "convert it to PNG or JPEG", isUnsupported: true)
        }
        var end = header + 14
        if compression == Compression.bitFields || compression == Compression.alphaBitFields {
            let count = header >= 56 || compression == Compression.alphaBitFields ? 4 : 3
            masks = try (0..<count).map { UInt32(truncatingIfNeeded: try Self.long(bytes, 54 + 4 * $0)) }
            end = max(end, 54 + 4 * count)
        } else if bits == 16 {
            masks = [0x7C00, 0x03E0, 0x001F]
        } else if bits == 32 {
            masks = [0xFF0000, 0xFF00, 0xFF]
        }
        let stated = try Self.long(bytes, 10)
        if bits <= 8 {
            let size = isCore ? 3 : 4
            let used = try field(46)
            let count = used > 0 && used < 1 << bits ? used : 1 << bits
            // Some programs write fewer colors than the header states.
            let space = max(0, min(stated > end ? stated : bytes.count, bytes.count) - end) / size
            palette = (0..<min(count, space)).map {
                (bytes[end + size * $0 + 2], bytes[end + size * $0 + 1], bytes[end + size * $0])
            }
            end += size * palette.count
        }
        offset = stated >= end ? stated : end
        guard offset <= bytes.count else { throw Self.truncated }
    }

    /// Decodes the pixels: RGB, or RGBA if there is a mask of alpha.
    /// - Throws: `ImagingError` if the pixels are incomplete or damaged. The size must have been checked before.
    func picture() throws -> Picture {
        if bits <= 8 { return try indexed() }
        return bits == 24 ? try colors() : try masked()
    }

    private func rowStart(_ y: Int, _ rowBytes: Int) -> Int {
        offset + (isTopDown ? y : height - 1 - y) * rowBytes
    }

    /// Length of a row in bytes. Rows are padded to 4 bytes; the padding of the last one may be missing.
    private func checkedRowBytes() throws -> Int {
        let rowBytes = (width * bits + 31) / 32 * 4
        guard offset + (height - 1) * rowBytes + (width * bits + 7) / 8 <= bytes.count else {
            throw Self.truncated
        }
        return rowBytes
    }

    private func colors() throws -> Picture {
        let rowBytes = try checkedRowBytes()
        return Picture(width: width, height: height, channels: 3) { out in
            for y in 0..<height {
                let row = rowStart(y, rowBytes)
                for x in 0..<width {
                    for c in 0..<3 { out[(y * width + x) * 3 + c] = bytes[row + 3 * x + 2 - c] }
                }
            }
        }
    }

    private func masked() throws -> Picture {
        let rowBytes = try checkedRowBytes()
        let fields = try masks.map(BitField.init)
        let hasAlpha = fields.count == 4 && masks[3] != 0
        let channels = hasAlpha ? 4 : 3
        var picture = Picture(width: width, height: height, channels: channels) { out in
            for y in 0..<height {
                let row = rowStart(y, rowBytes)
                for x in 0..<width {
                    let at = row + x * bits / 8
                    var value = UInt32(bytes[at]) | UInt32(bytes[at + 1]) << 8
                    if bits == 32 { value |= UInt32(bytes[at + 2]) << 16 | UInt32(bytes[at + 3]) << 24 }
                    for c in 0..<channels { out[(y * width + x) * channels + c] = fields[c].value(in: value) }
                }
            }
        }
        // Programs that do not know alpha leave zeros.
        if hasAlpha, stride(from: 3, to: picture.pixels.count, by: 4).allSatisfy({ picture.pixels[$0] == 0 })
        {
            for i in stride(from: 3, to: picture.pixels.count, by: 4) { picture.pixels[i] = 255 }
        }
        return picture
    }

    private func indexed() throws -> Picture {
        let indices = compression == Compression.none ? try packedIndices() : try runLengthIndices()
        guard indices.allSatisfy({ Int($0) < palette.count }) else {
            throw Self.damaged("a pixel has a color outside the palette of \(palette.count)")
        }
        return Picture(width: width, height: height, channels: 3) { out in
            for (i, index) in indices.enumerated() {
                (out[3 * i], out[3 * i + 1], out[3 * i + 2]) = palette[Int(index)]
            }
        }
    }

    private func packedIndices() throws -> [UInt8] {
        let rowBytes = try checkedRowBytes()
        var indices = [UInt8](repeating: 0, count: width * height)
        for y in 0..<height {
            let row = rowStart(y, rowBytes)
            for x in 0..<width {
                let shift = 8 - bits - x * bits % 8
                indices[y * width + x] = bytes[row + x * bits / 8] >> UInt8(shift) & UInt8((1 << bits) - 1)
            }
        }
        return indices
    }

    /// Indices of RLE4 and RLE8. Skipped pixels have the index 0.
    private func runLengthIndices() throws -> [UInt8] {
        var indices = [UInt8](repeating: 0, count: width * height)
        var (x, y, at) = (0, 0, offset)
        func byte() throws -> UInt8 {
            guard at < bytes.count else { throw Self.truncated }
            defer { at += 1 }
            return bytes[at]
        }
        func put(_ index: UInt8) throws {
            guard x < width, y < height else { throw Self.damaged("a run of pixels leaves the picture") }
            indices[(height - 1 - y) * width + x] = index
            x += 1
        }
        func halves(_ value: UInt8) -> [UInt8] { bits == 4 ? [value >> 4, value & 15] : [value, value] }
        while true {
            let count = try byte()
            let value = try byte()
            if count > 0 {
                let pair = halves(value)
                for i in 0..<Int(count) { try put(pair[i % 2]) }
                continue
            }
            switch value {
            case 0: (x, y) = (0, y + 1)
            case 1: return indices
            case 2: (x, y) = (x + Int(try byte()), y + Int(try byte()))
            default:
                // Literal pixels, padded to 16 bits.
                let start = at
                var pending: UInt8 = 0
                for i in 0..<Int(value) {
                    if bits == 8 || i % 2 == 0 { pending = try byte() }
                    try put(bits == 8 ? pending : halves(pending)[i % 2])
                }
                if (at - start) % 2 == 1 { _ = try byte() }
            }
        }
    }

    private static func short(_ bytes: UnsafeRawBufferPointer, _ at: Int) throws -> Int {
        guard at + 2 <= bytes.count else { throw truncated }
        return Int(bytes[at]) | Int(bytes[at + 1]) << 8
    }

    private static func long(_ bytes: UnsafeRawBufferPointer, _ at: Int) throws -> Int {
        try short(bytes, at) | short(bytes, at + 2) << 16
    }

    private static func damaged(_ what: String) -> ImagingError {
        ImagingError("damaged BMP: \(what)", advice: "download or create the file again")
    }

    private static let truncated = ImagingError(
        "truncated BMP: the file ends before the last pixel", advice: "download or create the file again")
}

/// A channel in the bits of a pixel.
private struct BitField {
    let shift: UInt32
    let maximum: UInt32

    /// - Throws: `ImagingError` if the bits of the mask are not contiguous.
    init(_ mask: UInt32) throws {
        shift = mask == 0 ? 0 : UInt32(mask.trailingZeroBitCount)
        maximum = mask >> shift
        guard maximum & (maximum &+ 1) == 0 else {
            throw ImagingError(
                "damaged BMP: a bit mask with gaps", advice: "download or create the file again")
        }
    }

    /// The channel of a pixel, scaled to 0...255.
    func value(in pixel: UInt32) -> UInt8 {
        guard maximum > 0 else { return 0 }
        let value = UInt64(pixel >> shift & maximum)
        return UInt8((value * 255 + UInt64(maximum) / 2) / UInt64(maximum))
    }
}
