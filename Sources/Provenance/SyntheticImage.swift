import Imaging

/// A generated picture.
///
/// Its pixels are accessible only through its encoders, which write its origin into the file: an XMP packet with
/// IPTC's digital source type, the program, the model and the seed. `Provenance.read(_:)` reads it.
public struct SyntheticImage: Sendable, Equatable {
    /// Pixels for modules of this package, which must not publish them without a mark.
    package let picture: Picture
    /// Origin that is written into files.
    public let origin: Origin

    /// Creates a generated picture.
    public init(picture: Picture, origin: Origin) {
        self.picture = picture
        self.origin = origin
    }

    /// Width in pixels.
    public var width: Int { picture.width }
    /// Height in pixels.
    public var height: Int { picture.height }

    /// Encodes a PNG file with the mark.
    ///
    /// - Parameter compression: 0 (none) to 9 (smallest and slowest).
    /// - Throws: `ImagingError` if memory is not sufficient.
    public func png(compression: Int = 6) throws -> [UInt8] {
        try PictureEncoder.png(picture, text: Self.text(origin), compression: compression)
    }

    /// Encodes a JPEG file with the mark.
    ///
    /// - Parameter quality: 1...100.
    /// - Throws: `ImagingError` if the picture or its origin is too large for a JPEG.
    public func jpeg(quality: Int = 95) throws -> [UInt8] {
        try PictureEncoder.jpeg(picture, quality: quality, xmp: XMP.packet(origin))
    }

    /// Arranges pictures in a grid. The origin lists the seeds of all pictures.
    ///
    /// For the parameters, see `Grid.compose`.
    public static func grid(
        _ images: [SyntheticImage], columns: Int? = nil, padding: Int = 2, background: UInt8 = 255,
        captions: [String]? = nil
    ) -> SyntheticImage {
        SyntheticImage(
            picture: Grid.compose(
                images.map(\.picture), columns: columns, padding: padding, background: background,
                captions: captions),
            origin: .merged(images.map(\.origin)))
    }

    /// Encodes an animated PNG that repeats endlessly, with the mark.
    ///
    /// - Parameters:
    ///   - frames: at least one frame; all must have the same size.
    ///   - millisecondsPerFrame: duration of a frame, 1...65,535.
    ///   - compression: 0 (none) to 9 (smallest and slowest).
    /// - Throws: `ImagingError` if there are no frames or they differ in size.
    public static func film(
        _ frames: [SyntheticImage], millisecondsPerFrame: Int, compression: Int = 6
    ) throws -> [UInt8] {
        guard !frames.isEmpty else { throw ImagingError("a film needs at least one frame") }
        return try PictureEncoder.animatedPNG(
            frames: frames.map(\.picture), millisecondsPerFrame: millisecondsPerFrame,
            text: text(.merged(frames.map(\.origin))), compression: compression)
    }

    /// Key of XMP in PNG files.
    static let xmpKey = "XML:com.adobe.xmp"

    private static func text(_ origin: Origin) -> [(key: String, value: String)] {
        [("Software", origin.software), (xmpKey, XMP.packet(origin))]
    }
}
