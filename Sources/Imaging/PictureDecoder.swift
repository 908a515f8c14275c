/// Reads JPEG, PNG and (with libwebp installed) WebP into 8-bit pixels.
///
/// The bytes may come from anywhere: sizes are checked before memory is taken, and damage is an ``ImagingError``.
public enum PictureDecoder {
    /// What a file said about itself before its pixels were read.
    public struct Header: Sendable, Equatable {
        public let format: PictureFormat
        /// Upright width, that is, after EXIF's orientation.
        public let width: Int
        /// Upright height.
        public let height: Int
        /// EXIF's orientation, 1...8.
        public let orientation: Int
    }

    /// A picture and what is worth knowing about the file it came from.
    public struct Decoded: Sendable {
        /// 8 bits, upright; 1, 3 or 4 channels.
        public let picture: Picture
        public let format: PictureFormat
        /// What was not as it should be, or was changed on the way: truncated, 16 bits reduced to 8, CMYK converted.
        public let warnings: [String]
        /// Upright size in the file, before any reduction or crop.
        public let originalWidth: Int
        public let originalHeight: Int
        /// Bits a channel in the file.
        public let bitDepth: Int
        /// EXIF's orientation, 1...8; already applied.
        public let orientation: Int
    }

    /// Decodes a whole picture.
    ///
    /// - Parameters:
    ///   - bytes: a JPEG, PNG or WebP file.
    ///   - limits: larger pictures are refused.
    ///   - minimumSize: if given, a JPEG may be decoded at 1/2, 1/4 or 1/8 of its size as long as both sides
    ///     stay at least this long. Much faster, though not equal to decoding it whole and reducing it.
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

    /// Decodes a whole picture; see the other `decode`.
    public static func decode(
        _ bytes: [UInt8], limits: DecodeLimits = DecodeLimits(), minimumSize: Int? = nil
    ) throws -> Decoded {
        try bytes.withUnsafeBytes { try decode($0, limits: limits, minimumSize: minimumSize) }
    }

    /// Reads the size without decoding pixels.
    public static func header(_ bytes: UnsafeRawBufferPointer) throws -> Header {
        let format = PictureFormat.detect(bytes)
        switch format {
        case .jpeg: return try headerJPEG(bytes)
        case .png: return try headerPNG(bytes)
        case .webp: return try headerWebP(bytes)
        default: throw refusal(of: format, count: bytes.count)
        }
    }

    /// Reads the size without decoding pixels.
    public static func header(_ bytes: [UInt8]) throws -> Header {
        try bytes.withUnsafeBytes { try header($0) }
    }

    /// Decodes, crops and resizes in one go, as RGB: the fast way from a photograph to a training picture.
    ///
    /// Equal to decoding the whole picture, `rgb()`, `cropped(to:)` and `resized(width:height:filter:)`.
    /// - Parameters:
    ///   - bytes: a JPEG, PNG or WebP file.
    ///   - width: of the result.
    ///   - height: of the result.
    ///   - crop: gives the part to use, from the upright width and height.
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
                "\(format.rawValue.uppercased()) pictures are not read", advice: "convert it to PNG or JPEG")
        }
    }

    /// Runs a codec's function with room for its message, and throws that message when it fails.
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
