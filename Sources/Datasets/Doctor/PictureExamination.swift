import Files
import Imaging

/// The result of examining the bytes and pixels of one picture.
struct PictureExamination: Sendable {
    var problem: PictureProblem?
    var warnings: [PictureWarning] = []
    var width = 0
    var height = 0
    /// SHA-256 of the file; nil for rendered pictures and files that cannot be read.
    var digest: String?
    /// Thumbnail for the detection of near-duplicates; nil if the picture has a problem.
    var thumbnail: Thumbnail?

    private let name: String
    private let usual: DataProtocol?

    /// Examines a picture.
    /// - Parameters:
    ///   - name: name of the picture in its source.
    ///   - content: the content, or the reason why it cannot be read.
    ///   - data: the protocol whose crop must fit; nil to accept every size.
    ///   - usual: the protocol for which enlargements are reported; nil for none.
    init(
        name: String, content: Result<PictureContent, any Error>, protocol data: DataProtocol?,
        usual: DataProtocol? = nil
    ) {
        self.name = name
        self.usual = usual
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
            return failUnknown(
                FileKind.detect(Array(bytes.prefix(FileKind.headSize)), count: bytes.count), bytes)
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
            let isUnsupported = (error as? ImagingError)?.isUnsupported ?? false
            fail(isUnsupported ? .unsupported : text.contains("truncated") ? .truncated : .damaged, text)
        }
    }

    /// Records the problem of a file in no format of the decoder.
    private mutating func failUnknown(_ kind: FileKind, _ bytes: [UInt8]) {
        switch kind {
        case .empty: fail(.empty, "the file is empty")
        case .html: fail(.webPage, "the file is a web page, which the server sent instead of the picture")
        case .unknown: fail(.notPicture, "the file does not begin like any picture format")
        case .zeros where bytes.allSatisfy({ $0 == 0 }):
            fail(.notPicture, "the file contains only zero bytes")
        case .zeros: fail(.notPicture, "the file begins with zero bytes")
        case _ where kind.isPicture:
            fail(
                .unsupported, "the file is \(kind.phrase), which is not supported; convert it to PNG or JPEG")
        default:
            fail(.notPicture, "the file is \(kind.phrase)" + (kind.advice.isEmpty ? "" : ". " + kind.advice))
        }
    }

    /// Rejects sizes that a photograph of a face cannot have, so that a forged header is not reported as damage.
    private mutating func checkSize(_ bytes: [UInt8]) {
        guard let header = try? PictureDecoder.header(bytes) else { return }
        let limits = DecodeLimits()
        width = header.width
        height = header.height
        if max(width, height) > limits.side || width > limits.pixels / max(1, height) {
            fail(.absurdSize, "\(width)x\(height) pixels exceed the limit of the decoder")
        } else if min(width, height) < 8 {
            fail(.absurdSize, "\(width)x\(height) pixels are too few for a face; at least 8x8 are required")
        }
    }

    private mutating func note(_ decoded: PictureDecoder.Decoded, format: PictureFormat) {
        warnings += decoded.conversions
        if decoded.orientation > 1 { warnings.append(.rotated) }
        if decoded.warnings.contains(where: { $0.contains("extraneous bytes") }) { warnings.append(.stray) }
        let suffix = name.utf8.lastIndex(of: UInt8(ascii: ".")).map { name[$0...].lowercased() } ?? ""
        let expected: PictureFormat? =
            switch suffix {
            case ".jpg", ".jpeg", ".jpe", ".jfif": .jpeg
            case ".png": .png
            case ".webp": .webp
            case ".bmp": .bmp
            case ".tif", ".tiff": .tiff
            case ".heic": .heic
            case ".avif": .avif
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
        if let usual, usual.enlarges(width: width, height: height) { warnings.append(.enlarged) }
        if picture.isGray { warnings.append(.gray) }
        let thumbnail = Thumbnail(picture)
        if thumbnail.isBlank { warnings.append(.blank) }
        self.thumbnail = thumbnail
    }
}

extension Picture {
    /// Whether no sampled pixel has a visible color: its channels differ by at most 8 levels.
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
}

extension PictureProblem {
    /// The problem of a picture that could not be packed: the one that `SourceDoctor` finds.
    /// - Parameters:
    ///   - name: name of the picture in its source.
    ///   - content: the content that could not be packed.
    ///   - data: the protocol of the samples.
    ///   - error: the error, for a problem that the examination does not find.
    init(
        name: String, content: Result<PictureContent, any Error>, protocol data: DataProtocol,
        error: any Error
    ) {
        let found = PictureExamination(name: name, content: content, protocol: data).problem
        self = found ?? PictureProblem(name: name, kind: .damaged, reason: "\(error)")
    }
}

/// The reason why a picture cannot be used.
public struct PictureProblem: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of a problem. The raw value is the text in reports.
    public enum Kind: String, Sendable, CaseIterable, Codable {
        /// The file has no bytes.
        case empty = "empty file"
        /// The file or archive entry cannot be read.
        case unreadable = "cannot be read"
        /// The file is a web page.
        case webPage = "web page"
        /// The file does not begin like any picture format.
        case notPicture = "not a picture"
        /// The picture has a format that the decoder does not support.
        case unsupported = "unsupported format"
        /// The picture is too large for the decoder or smaller than 8x8 pixels.
        case absurdSize = "absurd size"
        /// The file ends early.
        case truncated = "truncated"
        /// The decoder reports an error.
        case damaged = "damaged"
        /// The picture is smaller than the crop of the protocol.
        case tooSmall = "too small"
    }

    /// Name of the picture in its source.
    public let name: String
    /// The kind of the problem.
    public let kind: Kind
    /// The message of the decoder or the archive reader.
    public let reason: String

    /// Name, kind and message in one line.
    public var description: String { "\(name): \(kind.rawValue): \(reason)" }
}

/// A property of a picture that is reported but does not prevent its use. The raw value is the text in reports.
public enum PictureWarning: String, Sendable, CaseIterable, Codable {
    /// No visible color.
    case gray = "gray"
    /// Transparent pixels, composited on the background of the protocol.
    case transparent = "transparent (composited on the background)"
    /// More than 8 bits per channel, reduced to 8.
    case deep = "more than 8 bits per channel (reduced to 8)"
    /// CMYK, converted to RGB.
    case cmyk = "CMYK (converted)"
    /// An EXIF orientation other than upright, applied during decoding.
    case rotated = "rotated by EXIF (made upright)"
    /// A crop smaller than the sample of the protocol.
    case enlarged = "smaller than the sample (enlarged)"
    /// Nearly a single color.
    case blank = "almost one color"
    /// A file extension of another format.
    case wrongExtension = "extension of another format"
    /// Extraneous bytes in the file.
    case stray = "extraneous bytes in the file"
}
