import Imaging

/// A picture's own size, in pixels.
struct PictureSize: Sendable {
    let width: Int
    let height: Int
}

extension DataProtocol {
    /// How large a source that draws its pictures should draw them, in pixels.
    var drawnSize: Int {
        switch crop {
        case .square: size
        case .center(let side): side
        case .box(_, _, let right, let bottom): max(right, bottom)
        }
    }

    /// The sample that this protocol makes of a source's content, and the picture's own size.
    ///
    /// Throws `ImagingError` or `DataError` when the picture cannot be read, is damaged or does not fit.
    func sample(of content: PictureContent) throws -> (picture: Picture, original: PictureSize) {
        switch content {
        case .drawn(let picture):
            return (try apply(picture), PictureSize(width: picture.width, height: picture.height))
        case .encoded(let bytes):
            // The same pixels as from the whole picture, without decoding what is cropped away.
            let decoded = try bytes.withUnsafeBytes { bytes in
                try PictureDecoder.decode(bytes, width: size, height: size, filter: filter) { width, height in
                    try box(width: width, height: height)
                }
            }
            if let damage = decoded.damage { throw DataError(damage) }
            return (
                decoded.picture, PictureSize(width: decoded.originalWidth, height: decoded.originalHeight)
            )
        }
    }
}

extension PictureDecoder.Decoded {
    /// The warning that makes a picture unfit for training, if there is one: part of it was made up by the decoder.
    var damage: String? {
        warnings.first { warning in
            warning.hasPrefix("truncated")
                // Bytes between segments that belong to nothing change no pixel.
                || (warning.hasPrefix("damaged") && !warning.contains("extraneous bytes"))
        }
    }
}
