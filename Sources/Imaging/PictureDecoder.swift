import CCodecs

/// Decoder of JPEG, PNG and BMP, and, with libraries that are loaded at run time, of WebP (libwebp), TIFF (libtiff),
/// HEIC and AVIF (libheif), to 8-bit pixels.
///
/// Pictures become upright: the EXIF orientation of JPEG, PNG and WebP, the orientation of TIFF, and the
/// transformations of HEIC and AVIF are applied. It accepts untrusted data: sizes are checked before memory is allocated, and damage results in an
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
        /// EXIF orientation, 1...8; 1 for HEIC and AVIF, whose transformations are a part of the picture.
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
        /// Whether a pixel of the file is not opaque.
        public let isTransparent: Bool
    }

    /// Decodes a whole picture.
    ///
    /// - Parameters:
    ///   - bytes: a file of one of the formats.
    ///   - limits: maximum size of the picture.
    ///   - minimumSize: if given, a JPEG may be decoded at 1/2, 1/4 or 1/8 of its size if both sides have at least
    ///     this length. This is much faster, but the result differs from decoding and then reducing the whole
    ///     picture.
    /// - Throws: `ImagingError` if the format is not supported, the picture is damaged, or it exceeds the limits.
    public static func decode(
        _ bytes: UnsafeRawBufferPointer, limits: DecodeLimits = DecodeLimits(), minimumSize: Int? = nil
    ) throws -> Decoded {
        try DecodeLimits.check(byteCount: bytes.count)
        let format = PictureFormat.detect(bytes)
        switch format {
        case .jpeg: return try decodeJPEG(bytes, limits, minimumSize)
        case .png: return try decodePNG(bytes, limits)
        case .webp: return try decodeWebP(bytes, limits)
        case .bmp: return try decodeBMP(bytes, limits)
        case .tiff: return try decodeTIFF(bytes, limits)
        case .heic, .avif: return try decodeHEIF(bytes, format, limits)
        case .gif, .unknown: throw refusal(of: format, count: bytes.count)
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
        try DecodeLimits.check(byteCount: bytes.count)
        let format = PictureFormat.detect(bytes)
        switch format {
        case .jpeg: return try headerJPEG(bytes)
        case .png: return try headerPNG(bytes)
        case .webp: return try headerWebP(bytes)
        case .bmp: return try headerBMP(bytes)
        case .tiff: return try headerTIFF(bytes)
        case .heic, .avif: return try headerHEIF(bytes, format)
        case .gif, .unknown: throw refusal(of: format, count: bytes.count)
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
    /// The result equals that of decoding the whole picture, `rgb(over:)`, `cropped(to:)` and
    /// `resized(width:height:filter:)`.
    /// - Parameters:
    ///   - bytes: a file of one of the formats.
    ///   - limits: maximum size of the picture in the file.
    ///   - width: width of the result in pixels.
    ///   - height: height of the result in pixels.
    ///   - filter: kernel of the resampling.
    ///   - background: color behind transparent pixels.
    ///   - crop: returns the part to use, given the upright width and height.
    /// - Throws: `ImagingError` if the format is not supported, the picture is damaged, it exceeds the limits, or
    ///   the part is outside it; errors of `crop`.
    public static func decode(
        _ bytes: UnsafeRawBufferPointer, limits: DecodeLimits = DecodeLimits(), width: Int, height: Int,
        filter: ResizeFilter = .lanczos, background: Background = .white,
        crop: (_ width: Int, _ height: Int) throws -> PictureBox
    ) throws -> Decoded {
        try DecodeLimits.check(byteCount: bytes.count)
        if PictureFormat.detect(bytes) == .jpeg,
            let fast = try decodeUprightJPEG(bytes, limits, width: width, height: height, filter, crop)
        {
            return fast
        }
        let whole = try decode(bytes, limits: limits)
        let box = try crop(whole.picture.width, whole.picture.height)
        let part = try whole.picture.rgb(over: background).cropped(to: box)
        return Decoded(
            picture: part.resized(width: width, height: height, filter: filter), format: whole.format,
            warnings: whole.warnings, originalWidth: whole.originalWidth,
            originalHeight: whole.originalHeight,
            bitDepth: whole.bitDepth, orientation: whole.orientation, isTransparent: whole.isTransparent)
    }

    private static func refusal(of format: PictureFormat, count: Int) -> ImagingError {
        switch format {
        case .unknown where count == 0: ImagingError("the file is empty")
        case .unknown: ImagingError("not a picture of a known format (unknown first bytes)")
        default:
            ImagingError(
                "\(format.title) pictures are not supported", advice: "convert it to PNG or JPEG",
                isUnsupported: true)
        }
    }

    /// An error about a library that is loaded at run time and was not found.
    static func missing(_ library: String, for format: PictureFormat, package: String, brew: String)
        -> ImagingError
    {
        ImagingError(
            "\(format.title) pictures need \(library), which is not installed",
            advice: "install it (`apt install \(package)`, or `brew install \(brew)`) or convert the picture",
            isUnsupported: true)
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

/// Maximum size of pictures to decode.
public struct DecodeLimits: Sendable, Equatable {
    /// Maximum number of pixels. The default is 100 million.
    public var pixels: Int
    /// Maximum width and height. The default is 65,535.
    public var side: Int

    /// Maximum size of a file with an encoded picture, in bytes: 512 MiB, more than 100 million pixels of 32 bits.
    public static let byteCount = 1 << 29

    /// Creates limits.
    public init(pixels: Int = 100_000_000, side: Int = 65_535) {
        self.pixels = pixels
        self.side = side
    }

    /// Checks the size of a file with an encoded picture before the file is read.
    ///
    /// - Throws: `ImagingError` if it exceeds ``byteCount``.
    public static func check(byteCount: Int) throws {
        guard byteCount <= Self.byteCount else {
            throw ImagingError(
                "the file has \(byteCount) bytes, and a picture can have at most \(Self.byteCount)",
                advice: "reduce its size before use")
        }
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

/// An error while a picture is read, processed or written.
public struct ImagingError: Error, CustomStringConvertible, Sendable, Equatable {
    /// The problem.
    public let what: String
    /// What the user can do; empty if there is no advice.
    public let advice: String
    /// Whether the file may be intact, but its format cannot be decoded on this machine.
    package let isUnsupported: Bool

    package init(_ what: String, advice: String = "", isUnsupported: Bool = false) {
        self.what = what
        self.advice = advice
        self.isUnsupported = isUnsupported
    }

    /// Problem and advice.
    public var description: String { advice.isEmpty ? what : what + "; " + advice }
}
