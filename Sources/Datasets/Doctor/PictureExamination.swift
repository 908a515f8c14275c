import Files
import Imaging

/// What one picture's bytes and pixels show.
struct PictureExamination: Sendable {
    var problem: PictureProblem?
    var warnings: [PictureWarning] = []
    var width = 0
    var height = 0
    /// SHA-256 of the file; nil for drawn pictures and files that could not be read.
    var digest: String?
    /// Gray thumbnail for the search for near-duplicates; nil if the picture is bad.
    var thumbnail: Thumbnail?

    private let name: String

    /// - Parameter data: the protocol whose crop must fit; nil to accept every size.
    init(name: String, content: Result<PictureContent, any Error>, protocol data: DataProtocol?) {
        self.name = name
        switch content {
        case .failure(let error): fail(.unreadable, "\(error)")
        case .success(.drawn(let picture)): examine(picture, protocol: data)
        case .success(.encoded(let bytes)):
            digest = bytes.withUnsafeBytes { Digest.sha256($0) }
            examine(bytes, protocol: data)
        }
    }

    private mutating func fail(_ kind: PictureProblem.Kind, _ reason: String) {
        if problem == nil { problem = PictureProblem(name: name, kind: kind, reason: reason) }
    }

    private mutating func examine(_ bytes: [UInt8], protocol data: DataProtocol?) {
        let format = PictureFormat.detect(bytes)
        guard format != .unknown else {
            switch FileKind.detect(Array(bytes.prefix(1024)), count: bytes.count) {
            case .empty: fail(.empty, "the file has no bytes")
            case .html: fail(.webPage, "the server sent a web page instead of the picture")
            default:
                let isZero = bytes.allSatisfy { $0 == 0 }
                fail(
                    .notPicture,
                    isZero ? "nothing but zero bytes" : "the first bytes are those of no picture format")
            }
            return
        }
        checkSize(bytes)
        guard problem == nil else { return }
        do {
            let decoded = try PictureDecoder.decode(bytes)
            note(decoded, format: format)
            if let damage = decoded.damage {
                fail(damage.hasPrefix("truncated") ? .truncated : .damaged, damage)
            } else {
                examine(decoded.picture, protocol: data)
            }
        } catch {
            let text = "\(error)"
            let isUnsupported = format == .gif || format == .bmp || text.contains("libwebp")
            fail(isUnsupported ? .unsupported : text.contains("truncated") ? .truncated : .damaged, text)
        }
    }

    /// Sizes that no photograph of a face has, so that a forged header is not mistaken for damage.
    private mutating func checkSize(_ bytes: [UInt8]) {
        guard let header = try? PictureDecoder.header(bytes) else { return }
        let limits = DecodeLimits()
        width = header.width
        height = header.height
        if max(width, height) > limits.side || width > limits.pixels / max(1, height) {
            fail(.absurdSize, "\(width)x\(height) pixels are more than is read")
        } else if min(width, height) < 8 {
            fail(.absurdSize, "\(width)x\(height) pixels are less than a face needs")
        }
    }

    private mutating func note(_ decoded: PictureDecoder.Decoded, format: PictureFormat) {
        if decoded.picture.channels == 4, decoded.picture.hasTransparency { warnings.append(.transparent) }
        if decoded.bitDepth == 16 { warnings.append(.sixteenBit) }
        if decoded.warnings.contains(where: { $0.contains("CMYK") }) { warnings.append(.cmyk) }
        if decoded.orientation > 1 { warnings.append(.rotated) }
        if decoded.warnings.contains(where: { $0.contains("extraneous bytes") }) { warnings.append(.stray) }
        let suffix = name.utf8.lastIndex(of: UInt8(ascii: ".")).map { name[$0...].lowercased() } ?? ""
        let expected: PictureFormat? =
            switch suffix {
            case ".jpg", ".jpeg", ".jpe": .jpeg
            case ".png": .png
            case ".webp": .webp
            default: nil
            }
        if let expected, expected != format { warnings.append(.wrongExtension) }
    }

    private mutating func examine(_ picture: Picture, protocol data: DataProtocol?) {
        width = picture.width
        height = picture.height
        do {
            _ = try data?.box(width: width, height: height)
        } catch {
            return fail(.tooSmall, "\(error)")
        }
        if picture.isGray { warnings.append(.gray) }
        let thumbnail = Thumbnail(picture)
        if thumbnail.isBlank { warnings.append(.blank) }
        self.thumbnail = thumbnail
    }
}

extension Picture {
    /// Whether no pixel has a color that one would see.
    fileprivate var isGray: Bool {
        guard channels >= 3 else { return true }
        return pixels.withUnsafeBufferPointer { pixels in
            for i in stride(from: 0, to: width * height, by: 5) {
                let (r, g, b) = (
                    Int(pixels[i * channels]), Int(pixels[i * channels + 1]), Int(pixels[i * channels + 2])
                )
                if max(r, g, b) - min(r, g, b) > 8 { return false }
            }
            return true
        }
    }

    fileprivate var hasTransparency: Bool {
        channels == 4 && stride(from: 3, to: pixels.count, by: 4).contains { pixels[$0] != 255 }
    }
}

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
