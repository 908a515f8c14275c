import Imaging

/// A picture that a model made.
///
/// Its pixels leave only through its encoders, and these write into the file what it is: an XMP packet with IPTC's
/// digital source type, the program, the model and the seed. ``Provenance/read(_:)`` finds it again.
public struct SyntheticImage: Sendable, Equatable {
    /// 8 bits, HWC, for the rooms of this package; they must not hand it on.
    package let picture: Picture
    /// What the file will say.
    public let origin: Origin

    public init(picture: Picture, origin: Origin) {
        self.picture = picture
        self.origin = origin
    }

    public var width: Int { picture.width }
    public var height: Int { picture.height }

    /// A PNG file.
    ///
    /// - Parameter compression: 0 (none) ... 9 (smallest, slow).
    public func png(compression: Int = 6) throws -> [UInt8] {
        try PictureEncoder.png(picture, text: Self.text(origin), compression: compression)
    }

    /// A JPEG file.
    ///
    /// - Parameter quality: 1...100.
    public func jpeg(quality: Int = 95) throws -> [UInt8] {
        try PictureEncoder.jpeg(picture, quality: quality, xmp: XMP.packet(origin))
    }

    /// Pictures side by side in one; its origin lists the seeds of all.
    ///
    /// - Parameters: see `Grid.compose`.
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

    /// An animated PNG of pictures of one size, repeating for ever.
    ///
    /// - Parameter millisecondsPerFrame: 1...65,535.
    public static func film(
        _ frames: [SyntheticImage], millisecondsPerFrame: Int, compression: Int = 6
    ) throws -> [UInt8] {
        guard !frames.isEmpty else { throw ImagingError("a film of no frames") }
        return try PictureEncoder.animatedPNG(
            frames: frames.map(\.picture), millisecondsPerFrame: millisecondsPerFrame,
            text: text(.merged(frames.map(\.origin))), compression: compression)
    }

    /// The key under which PNG files hold XMP.
    static let xmpKey = "XML:com.adobe.xmp"

    private static func text(_ origin: Origin) -> [(key: String, value: String)] {
        [("Software", origin.software), (xmpKey, XMP.packet(origin))]
    }
}
