import CCodecs

/// Decoder of JPEG, PNG and (if libwebp is installed) WebP to 8-bit pixels.
///
/// It accepts untrusted data: sizes are checked before memory is allocated, and damage results in an
/// ``ImagingError``.
public enum PictureDecoder {
    /// Properties of a picture that are known before its pixels are decoded.
    public struct Header: Sendable, Equatable {
        /// File format.
        public let format: PictureFormat
        /// Width in pixels after the EXIF orientation is applied.
        public let width: Int
        /// Height in pixels after the EXIF orientation is applied.
        public let height: Int
        /// EXIF orientation, 1...8.
        public let orientation: Int
    }

    /// A decoded picture and properties of its file.
    public struct Decoded: Sendable {
        /// The upright picture, 8 bits per channel, with 1, 3 or 4 channels.
        public let picture: Picture
        /// File format.
        public let format: PictureFormat
        /// Defects of the file and conversions, such as truncation, reduction of 16 bits to 8, or conversion of CMYK.
        public let warnings: [String]
        /// Upright width in the file, before any reduction or crop.
        public let originalWidth: Int
        /// Upright height in the file, before any reduction or crop.
        public let originalHeight: Int
        /// Bits per channel in the file.
        public let bitDepth: Int
        /// EXIF orientation, 1...8, which is already applied.
        public let orientation: Int
    }

    /// Decodes a whole picture.
    ///
    /// - Parameters:
    ///   - bytes: a JPEG, PNG or WebP file.
    ///   - limits: maximum size of the picture.
    ///   - minimumSize: if given, a JPEG may be decoded at 1/2, 1/4 or 1/8 of its size if both sides have at least
    ///     this length. This is much faster, but the result differs from decoding and then reducing the whole
    ///     picture.
    /// - Throws: `ImagingError` if the format is not supported, the picture is damaged, or it exceeds the limits.
    public static func decode(
        _ bytes: UnsafeRawBufferPointer, limits: DecodeLimits = DecodeLimits(), minimumSize: Int? = nil
    ) throws -> Decoded {
        let format = PictureFormat.detect(bytes)
        switch format {
        case .jpeg: return try decodeJPEG(bytes, limits, minimumSize)
        case .png: return try decodePNG(bytes, limits)
        case .webp: return try decodeWebP(bytes, limits)
        default: throw refusal(of: format, count: bytes.count)
        }
    }

    /// Decodes a whole picture; see the overload for buffers.
    ///
    /// - Throws: `ImagingError` if the format is not supported, the picture is damaged, or it exceeds the limits.
    public static func decode(
        _ bytes: [UInt8], limits: DecodeLimits = DecodeLimits(), minimumSize: Int? = nil
    ) throws -> Decoded {
        try bytes.withUnsafeBytes { try decode($0, limits: limits, minimumSize: minimumSize) }
    }

    /// Reads the properties of a picture without decoding its pixels.
    ///
    /// - Throws: `ImagingError` if the format is not supported or the header is damaged.
    public static func header(_ bytes: UnsafeRawBufferPointer) throws -> Header {
        let format = PictureFormat.detect(bytes)
        switch format {
        case .jpeg: return try headerJPEG(bytes)
        case .png: return try headerPNG(bytes)
        case .webp: return try headerWebP(bytes)
        default: throw refusal(of: format, count: bytes.count)
        }
    }

    /// Reads the properties of a picture without decoding its pixels.
    ///
    /// - Throws: `ImagingError` if the format is not supported or the header is damaged.
    public static func header(_ bytes: [UInt8]) throws -> Header {
        try bytes.withUnsafeBytes { try header($0) }
    }

    /// Decodes, crops and resizes a picture to RGB in one step. This is the fastest way from a file to a training
    /// sample.
    ///
    /// The result equals that of decoding the whole picture, `rgb()`, `cropped(to:)` and
    /// `resized(width:height:filter:)`.
    /// - Parameters:
    ///   - bytes: a JPEG, PNG or WebP file.
    ///   - limits: maximum size of the picture in the file.
    ///   - width: width of the result in pixels.
    ///   - height: height of the result in pixels.
    ///   - filter: kernel of the resampling.
    ///   - crop: returns the part to use, given the upright width and height.
    /// - Throws: `ImagingError` if the format is not supported, the picture is damaged, it exceeds the limits, or
    ///   the part is outside it; errors of `crop`.
    public static func decode(
        _ bytes: UnsafeRawBufferPointer, limits: DecodeLimits = DecodeLimits(), width: Int, height: Int,
        filter: ResizeFilter = .lanczos, crop: (_ width: Int, _ height: Int) throws -> PictureBox
    ) throws -> Decoded {
        if PictureFormat.detect(bytes) == .jpeg,
            let fast = try decodeUprightJPEG(bytes, limits, width: width, height: height, filter, crop)
        {
            return fast
        }
        let whole = try decode(bytes, limits: limits)
        let box = try crop(whole.picture.width, whole.picture.height)
        let part = try whole.picture.rgb().cropped(to: box)
        return Decoded(
            picture: part.resized(width: width, height: height, filter: filter), format: whole.format,
            warnings: whole.warnings, originalWidth: whole.originalWidth,
            originalHeight: whole.originalHeight,
            bitDepth: whole.bitDepth, orientation: whole.orientation)
    }

    private static func refusal(of format: PictureFormat, count: Int) -> ImagingError {
        switch format {
        case .unknown where count == 0: ImagingError("the file is empty")
        case .unknown: ImagingError("not a JPEG, PNG or WebP picture (unknown first bytes)")
        default:
            ImagingError(
                "\(format.rawValue.uppercased()) pictures are not supported",
                advice: "convert it to PNG or JPEG")
        }
    }

    /// Calls a codec function with a buffer for its error message, and throws the message on failure.
    static func calling<R>(
        _ what: String, advice: String = "",
        _ body: (_ message: UnsafeMutablePointer<CChar>, _ size: Int) throws -> R?
    ) throws -> R {
        try withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            let message = buffer.baseAddress.unsafelyUnwrapped
            message.initialize(repeating: 0, count: buffer.count)
            if let result = try body(message, buffer.count) { return result }
            throw ImagingError("\(what): \(String(cString: message))", advice: advice)
        }
    }
}

extension PictureDecoder {
    private static func withPNG<R>(
        _ bytes: UnsafeRawBufferPointer, _ body: (OpaquePointer, CodecsPNGInfo) throws -> R
    ) throws -> R {
        var info = CodecsPNGInfo()
        let png = try calling("damaged PNG") {
            ccodecs_png_open(bytes.baseAddress, bytes.count, &info, $0, $1)
        }
        defer { ccodecs_png_close(png) }
        return try body(png, info)
    }

    static func headerPNG(_ bytes: UnsafeRawBufferPointer) throws -> Header {
        try withPNG(bytes) { _, info in
            Header(format: .png, width: Int(info.width), height: Int(info.height), orientation: 1)
        }
    }

    static func decodePNG(_ bytes: UnsafeRawBufferPointer, _ limits: DecodeLimits) throws -> Decoded {
        try withPNG(bytes) { png, info in
            let (width, height) = (Int(info.width), Int(info.height))
            try limits.check(width: width, height: height)
            let picture = try Picture(width: width, height: height, channels: Int(info.channels)) { out in
                try calling("damaged PNG", advice: "download or create the file again") { message, size in
                    ccodecs_png_read(png, out.baseAddress, out.count, message, size) ? () : nil
                }
            }
            return Decoded(
                picture: picture, format: .png,
                warnings: info.bit_depth == 16 ? ["16 bits per channel reduced to 8"] : [],
                originalWidth: width, originalHeight: height, bitDepth: Int(info.bit_depth), orientation: 1)
        }
    }
}

extension PictureDecoder {
    /// Whether libwebp is installed.
    public static var readsWebP: Bool { ccodecs_webp_available() }

    private static func infoWebP(_ bytes: UnsafeRawBufferPointer) throws -> (
        width: Int, height: Int, alpha: Bool
    ) {
        guard readsWebP else {
            throw ImagingError(
                "WebP pictures need libwebp, which is not installed",
                advice: "install it (`apt install libwebp7`, or `brew install webp`) or convert the picture")
        }
        var (width, height, alpha): (UInt32, UInt32, Bool) = (0, 0, false)
        try calling("damaged WebP", advice: "animated WebP pictures are not supported") { message, size in
            ccodecs_webp_info(
                bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, &width, &height, &alpha, message,
                size)
                ? () : nil
        }
        return (Int(width), Int(height), alpha)
    }

    static func headerWebP(_ bytes: UnsafeRawBufferPointer) throws -> Header {
        let info = try infoWebP(bytes)
        return Header(format: .webp, width: info.width, height: info.height, orientation: 1)
    }

    static func decodeWebP(_ bytes: UnsafeRawBufferPointer, _ limits: DecodeLimits) throws -> Decoded {
        let info = try infoWebP(bytes)
        try limits.check(width: info.width, height: info.height)
        let picture = try Picture(width: info.width, height: info.height, channels: info.alpha ? 4 : 3) {
            out in
            try calling("damaged WebP", advice: "download or create the file again") { message, size in
                ccodecs_webp_read(
                    bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, info.alpha, UInt32(info.width),
                    UInt32(info.height), out.baseAddress, out.count, message, size) ? () : nil
            }
        }
        return Decoded(
            picture: picture, format: .webp, warnings: [], originalWidth: info.width,
            originalHeight: info.height,
            bitDepth: 8, orientation: 1)
    }
}

/// Maximum size of pictures to decode.
public struct DecodeLimits: Sendable, Equatable {
    /// Maximum number of pixels. The default is 100 million.
    public var pixels: Int
    /// Maximum width and height. The default is 65,535.
    public var side: Int

    /// Creates limits.
    public init(pixels: Int = 100_000_000, side: Int = 65_535) {
        self.pixels = pixels
        self.side = side
    }

    func check(width: Int, height: Int) throws {
        guard width > 0, height > 0 else { throw ImagingError("the picture has no pixels") }
        guard width <= side, height <= side, width <= pixels / height else {
            throw ImagingError(
                "the picture is \(width)x\(height) and exceeds the limits of \(pixels) pixels and "
                    + "\(side) per side",
                advice: "reduce its size before use")
        }
    }
}

/// Picture format, recognized by the first bytes of a file.
public enum PictureFormat: String, Sendable, CaseIterable {
    /// JPEG.
    case jpeg
    /// PNG.
    case png
    /// WebP.
    case webp
    /// GIF, which cannot be decoded.
    case gif
    /// BMP, which cannot be decoded.
    case bmp
    /// No known format.
    case unknown

    /// Recognizes the format by the first bytes.
    public static func detect(_ bytes: UnsafeRawBufferPointer) -> PictureFormat {
        func begins(_ magic: [UInt8], at offset: Int = 0) -> Bool {
            bytes.count >= offset + magic.count && bytes[offset..<offset + magic.count].elementsEqual(magic)
        }
        if begins([0xFF, 0xD8, 0xFF]) { return .jpeg }
        if begins([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) { return .png }
        if begins(Array("RIFF".utf8)) && begins(Array("WEBP".utf8), at: 8) { return .webp }
        if begins(Array("GIF8".utf8)) { return .gif }
        if begins(Array("BM".utf8)) && bytes.count >= 26 { return .bmp }
        return .unknown
    }

    /// Recognizes the format by the first bytes.
    public static func detect(_ bytes: [UInt8]) -> PictureFormat { bytes.withUnsafeBytes { detect($0) } }
}

/// An error while a picture is read, processed or written.
public struct ImagingError: Error, CustomStringConvertible, Sendable, Equatable {
    /// The problem.
    public let what: String
    /// What the user can do; empty if there is no advice.
    public let advice: String

    package init(_ what: String, advice: String = "") {
        self.what = what
        self.advice = advice
    }

    /// Problem and advice.
    public var description: String { advice.isEmpty ? what : what + "; " + advice }
}
