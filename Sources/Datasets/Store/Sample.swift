import Imaging
import Provenance

/// The size of an original picture in pixels.
struct PictureSize: Sendable {
    let width: Int
    let height: Int
}

/// A sample and properties of its picture.
struct Sample: Sendable {
    /// RGB, with the size of the protocol.
    let picture: Picture
    let original: PictureSize
    /// The mark of a generated picture; nil if there is none.
    let origin: Origin?
    /// Conversions of the picture.
    let notes: [PictureWarning]
}

extension DataProtocol {
    /// The size in pixels at which a rendering source should draw its pictures for this protocol.
    var drawnSize: Int {
        switch crop {
        case .square: size
        case .center(let side): side
        case .box(_, _, let right, let bottom): max(right, bottom)
        }
    }

    /// Whether the crop of a picture of the given size is smaller than the sample. A picture without this crop is not.
    func enlarges(width: Int, height: Int) -> Bool {
        guard let box = try? box(width: width, height: height) else { return false }
        return min(box.width, box.height) < size
    }

    /// Returns the sample of a source's content and properties of its picture.
    ///
    /// - Throws: `ImagingError` if the picture cannot be decoded; `DataError` if it is damaged or smaller than the
    ///   crop.
    func sample(of content: PictureContent) throws -> Sample {
        switch content {
        case .drawn(let picture):
            return Sample(
                picture: try apply(picture),
                original: PictureSize(width: picture.width, height: picture.height), origin: nil,
                notes: enlarges(width: picture.width, height: picture.height) ? [.enlarged] : [])
        case .encoded(let bytes):
            // The pixels equal those of `apply` on the whole picture; rows outside the crop are not decoded.
            let decoded = try bytes.withUnsafeBytes { bytes in
                try PictureDecoder.decode(
                    bytes, width: size, height: size, filter: filter, background: background
                ) { width, height in
                    try box(width: width, height: height)
                }
            }
            if let damage = decoded.damage { throw DataError(damage) }
            let original = PictureSize(width: decoded.originalWidth, height: decoded.originalHeight)
            let isEnlarged = enlarges(width: original.width, height: original.height)
            return Sample(
                picture: decoded.picture, original: original, origin: Provenance.read(bytes),
                notes: decoded.conversions + (isEnlarged ? [.enlarged] : []))
        }
    }
}

extension PictureDecoder.Decoded {
    /// The first warning that makes a picture unfit for training because the decoder filled in missing data; nil if
    /// there is none.
    var damage: String? {
        warnings.first { warning in
            warning.hasPrefix("truncated")
                // Extraneous bytes between segments do not change any pixel.
                || (warning.hasPrefix("damaged") && !warning.contains("extraneous bytes"))
        }
    }

    /// Conversions that change what the picture shows.
    var conversions: [PictureWarning] {
        var found: [PictureWarning] = []
        if isTransparent { found.append(.transparent) }
        if bitDepth > 8 { found.append(.deep) }
        if warnings.contains(where: { $0.contains("CMYK") }) { found.append(.cmyk) }
        return found
    }
}
