import CCodecs

/// The kernel of an antialiased resize.
public enum ResizeFilter: String, Sendable, CaseIterable, Codable {
    /// Sinc windowed by a wider sinc, 3 lobes: the sharpest.
    case lanczos
    /// Plain average.
    case box
    /// Triangle.
    case bilinear
    /// Keys' cubic with a = -0.5.
    case bicubic

    var code: Int32 {
        switch self {
        case .box: Int32(CODECS_FILTER_BOX)
        case .bilinear: Int32(CODECS_FILTER_BILINEAR)
        case .bicubic: Int32(CODECS_FILTER_BICUBIC)
        case .lanczos: Int32(CODECS_FILTER_LANCZOS)
        }
    }
}
