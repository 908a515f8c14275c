/// Why a picture cannot be used.
public struct PictureProblem: Sendable, Equatable {
    public enum Kind: String, Sendable, CaseIterable, Codable {
        case empty = "empty file"
        case unreadable = "cannot be read"
        case webPage = "web page"
        case notPicture = "not a picture"
        case unsupported = "unsupported format"
        case absurdSize = "absurd size"
        case truncated = "truncated"
        case damaged = "damaged"
        case tooSmall = "too small"
    }

    public let name: String
    public let kind: Kind
    /// What the decoder or the archive said.
    public let reason: String
}

/// Something about a picture that is worth knowing and does not keep it from being used.
public enum PictureWarning: String, Sendable, CaseIterable, Codable {
    case gray = "gray"
    case transparent = "transparent (composited on white)"
    case sixteenBit = "16 bits a channel (reduced to 8)"
    case cmyk = "CMYK (converted)"
    case rotated = "turned by EXIF (set upright)"
    case blank = "almost one color"
    case wrongExtension = "extension of another format"
    case stray = "stray bytes in the file"
}
