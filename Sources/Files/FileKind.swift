/// Type of a file, recognized by its content and not by its name.
public enum FileKind: String, Sendable, CaseIterable, Codable {
    /// No bytes.
    case empty
    /// Only zero bytes.
    case zeros
    /// Zip archive.
    case zip
    /// Data compressed by gzip, such as a tar archive.
    case gzip
    /// Tar archive.
    case tar
    /// Data compressed by xz.
    case xz
    /// Data compressed by bzip2.
    case bzip2
    /// Data compressed by zstd.
    case zstd
    /// 7z archive.
    case sevenZip = "7z"
    /// RAR archive.
    case rar
    /// Apache Parquet.
    case parquet
    /// Apache Arrow or Feather.
    case arrow
    /// HDF5.
    case hdf5
    /// TensorFlow records.
    case tfrecord
    /// Array of NumPy.
    case numpy
    /// MATLAB data of version 5 or later.
    case matlab
    /// SQLite database.
    case sqlite
    /// Python pickle.
    case pickle
    /// Safetensors.
    case safetensors
    /// Web page.
    case html
    /// SVG drawing.
    case svg
    /// PDF document.
    case pdf
    /// Pointer of Git LFS in place of a file.
    case gitLFSPointer
    /// JPEG.
    case jpeg
    /// PNG.
    case png
    /// WebP.
    case webp
    /// GIF.
    case gif
    /// BMP.
    case bmp
    /// TIFF, including raw formats of cameras that are based on it.
    case tiff
    /// HEIC or HEIF.
    case heic
    /// AVIF.
    case avif
    /// JPEG XL.
    case jpegXL
    /// JPEG 2000.
    case jpeg2000
    /// Netpbm: PBM, PGM and PPM.
    case netpbm
    /// Photoshop.
    case photoshop
    /// MP4 or QuickTime.
    case mp4
    /// Matroska or WebM.
    case matroska
    /// AVI.
    case avi
    /// Text in an encoding that contains ASCII.
    case text
    /// Anything else.
    case unknown

    /// The number of first bytes that are sufficient for the recognition.
    public static let headSize = 1024

    /// Recognizes the type of a file.
    /// - Throws: `FileError` if the file cannot be read.
    public static func detect(path: String) throws -> FileKind { try detect(MappedFile(path: path)) }

    /// Recognizes the type of a mapped file.
    public static func detect(_ file: MappedFile) -> FileKind {
        guard let head = try? file.bytes(0..<min(file.count, headSize)) else { return .unknown }
        return detect(head, count: file.count)
    }

    /// Recognizes the type of a file by its first bytes.
    /// - Parameters:
    ///   - head: the first 1024 bytes, or all if there are fewer.
    ///   - count: size of the file in bytes.
    public static func detect(_ head: [UInt8], count: Int) -> FileKind {
        FileHead(bytes: head, count: count).kind
    }

    /// Whether the file is a picture, in a format that can be decoded or not.
    public var isPicture: Bool {
        switch self {
        case .jpeg, .png, .webp, .gif, .bmp, .tiff, .heic, .avif, .jpegXL, .jpeg2000, .netpbm, .photoshop:
            true
        default: false
        }
    }

    /// Whether the file is an archive or compressed data.
    public var isArchive: Bool {
        switch self {
        case .zip, .gzip, .tar, .xz, .bzip2, .zstd, .sevenZip, .rar: true
        default: false
        }
    }

    /// Name for messages with its article, such as "a zip archive".
    public var phrase: String {
        switch self {
        case .empty: "an empty file"
        case .zeros: "a file that begins with zeros"
        case .zip: "a zip archive"
        case .gzip: "a gzip-compressed file"
        case .tar: "a tar archive"
        case .xz: "an xz-compressed file"
        case .bzip2: "a bzip2-compressed file"
        case .zstd: "a zstd-compressed file"
        case .sevenZip: "a 7z archive"
        case .rar: "a RAR archive"
        case .parquet: "a Parquet file"
        case .arrow: "an Arrow file"
        case .hdf5: "an HDF5 file"
        case .tfrecord: "a TFRecord file"
        case .numpy: "a NumPy array"
        case .matlab: "a MATLAB file"
        case .sqlite: "an SQLite database"
        case .pickle: "a Python pickle"
        case .safetensors: "a safetensors file"
        case .html: "an HTML page"
        case .svg: "an SVG drawing"
        case .pdf: "a PDF document"
        case .gitLFSPointer: "a Git LFS pointer"
        case .jpeg: "a JPEG picture"
        case .png: "a PNG picture"
        case .webp: "a WebP picture"
        case .gif: "a GIF picture"
        case .bmp: "a BMP picture"
        case .tiff: "a TIFF picture"
        case .heic: "an HEIC picture"
        case .avif: "an AVIF picture"
        case .jpegXL: "a JPEG XL picture"
        case .jpeg2000: "a JPEG 2000 picture"
        case .netpbm: "a Netpbm picture"
        case .photoshop: "a Photoshop picture"
        case .mp4: "an MP4 film"
        case .matroska: "a Matroska film"
        case .avi: "an AVI film"
        case .text: "a text file"
        case .unknown: "a file of unknown type"
        }
    }

    /// What the user can do with such a file where another one is expected; empty if there is no advice.
    public var advice: String {
        switch self {
        case .html: "The download failed; open the file in a browser to read the message."
        case .gitLFSPointer: "Fetch the content with git lfs pull."
        case .empty, .zeros: "Download or create it again."
        case .gzip, .xz, .bzip2, .zstd: "Decompress it first."
        case .sevenZip, .rar: "Unpack it first."
        case .parquet, .arrow, .hdf5, .tfrecord, .numpy, .matlab: "Export its content to files first."
        default: ""
        }
    }
}

extension FileError {
    /// An error that states the expected and the recognized type of a file.
    static func mismatch(_ file: MappedFile, expected: String) -> FileError {
        let kind = FileKind.detect(file)
        switch kind {
        case .unknown, .text: return FileError.broken(file.path, "not \(expected)")
        case _ where kind.phrase == expected:
            return FileError.broken(file.path, "\(expected) that is truncated or damaged")
        default:
            return FileError(
                path: file.path, what: "not \(expected) but \(kind.phrase)", advice: kind.advice)
        }
    }
}

/// The first bytes of a file.
private struct FileHead {
    let bytes: [UInt8]
    let count: Int

    var kind: FileKind {
        if bytes.isEmpty { return .empty }
        if let known = Self.signatures.first(where: { begins($0.bytes) }) { return known.kind }
        if begins("RIFF") {
            if begins("WEBP", at: 8) { return .webp }
            if begins("AVI ", at: 8) { return .avi }
        }
        if begins("BM"), bytes.count >= 18, [12, 40, 52, 56, 64, 108, 124].contains(number(at: 14, width: 4))
        {
            return .bmp
        }
        if begins("P"), bytes.count > 2, (0x31...0x36).contains(bytes[1]), [9, 10, 13, 32].contains(bytes[2])
        {
            return .netpbm
        }
        if begins("ftyp", at: 4) { return media }
        if ["moov", "mdat", "wide", "skip"].contains(where: { begins($0, at: 4) }) { return .mp4 }
        if begins([0x80]), bytes.count > 2, (2...5).contains(bytes[1]) { return .pickle }
        // The length of the header in 8 bytes, followed by a brace.
        if begins("{", at: 8), number(at: 0, width: 8) < count { return .safetensors }
        if isTar { return .tar }
        if isTFRecord { return .tfrecord }
        if bytes.allSatisfy({ $0 == 0 }) { return .zeros }
        return text
    }

    private static let signatures: [(bytes: [UInt8], kind: FileKind)] = [
        (Array("PK\u{3}\u{4}".utf8), .zip), (Array("PK\u{5}\u{6}".utf8), .zip), ([0x1F, 0x8B], .gzip),
        ([0xFD, 0x37, 0x7A, 0x58, 0x5A], .xz), (Array("BZh".utf8), .bzip2),
        ([0x28, 0xB5, 0x2F, 0xFD], .zstd),
        ([0x37, 0x7A, 0xBC, 0xAF], .sevenZip), (Array("Rar!".utf8), .rar), (Array("PAR1".utf8), .parquet),
        (Array("ARROW1".utf8), .arrow), (Array("FEA1".utf8), .arrow), ([0x89, 0x48, 0x44, 0x46], .hdf5),
        ([0x93] + Array("NUMPY".utf8), .numpy), (Array("MATLAB ".utf8), .matlab),
        (Array("SQLite format 3".utf8), .sqlite), (Array("%PDF".utf8), .pdf),
        (Array("version https://git-lfs".utf8), .gitLFSPointer), ([0xFF, 0xD8, 0xFF], .jpeg),
        ([0x89, 0x50, 0x4E, 0x47], .png), (Array("GIF8".utf8), .gif), ([0x49, 0x49, 0x2A, 0], .tiff),
        ([0x4D, 0x4D, 0, 0x2A], .tiff), ([0x49, 0x49, 0x2B, 0], .tiff), ([0x4D, 0x4D, 0, 0x2B], .tiff),
        ([0xFF, 0x0A], .jpegXL), ([0, 0, 0, 0x0C, 0x4A, 0x58, 0x4C, 0x20], .jpegXL),
        ([0, 0, 0, 0x0C, 0x6A, 0x50, 0x20, 0x20], .jpeg2000), ([0xFF, 0x4F, 0xFF, 0x51], .jpeg2000),
        (Array("8BPS".utf8), .photoshop), ([0x1A, 0x45, 0xDF, 0xA3], .matroska),
    ]

    private func begins(_ magic: [UInt8], at offset: Int = 0) -> Bool {
        bytes.count >= offset + magic.count && bytes[offset..<(offset + magic.count)].elementsEqual(magic)
    }

    private func begins(_ magic: String, at offset: Int = 0) -> Bool { begins(Array(magic.utf8), at: offset) }

    /// A little-endian number; `Int.max` if the bytes are missing or the value is larger.
    private func number(at offset: Int, width: Int) -> Int {
        guard bytes.count >= offset + width else { return .max }
        let value = bytes[offset..<(offset + width)].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return Int(exactly: value) ?? .max
    }

    /// Type of a file of the ISO base media format, by its brands.
    private var media: FileKind {
        let size = bytes[0..<4].reduce(0) { $0 << 8 | Int($1) }
        var brands: [String] = []
        for at in stride(from: 8, to: min(size, bytes.count) - 3, by: 4) where at != 12 {
            brands.append(String(decoding: bytes[at..<(at + 4)], as: UTF8.self))
        }
        if brands.contains(where: { ["avif", "avis"].contains($0) }) { return .avif }
        let heic = ["heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs"]
        if brands.contains(where: { heic.contains($0) }) { return .heic }
        // The container of both formats.
        return brands.first.map { ["mif1", "mif2", "msf1"].contains($0) } == true ? .heic : .mp4
    }

    /// Archives before POSIX have no signature, but a checksum of the header.
    private var isTar: Bool {
        if begins("ustar", at: 257) { return true }
        guard bytes.count >= 512, bytes[0] != 0 else { return false }
        let digits = bytes[148..<156].filter { $0 != 32 && $0 != 0 }
        guard (3...7).contains(digits.count), digits.allSatisfy({ (0x30...0x37).contains($0) }) else {
            return false
        }
        let sum = bytes[..<148].reduce(0) { $0 + Int($1) } + bytes[156..<512].reduce(0) { $0 + Int($1) } + 256
        return digits.reduce(0) { $0 << 3 | Int($1 - 48) } == sum
    }

    /// A length in 8 bytes, followed by its masked CRC-32C.
    private var isTFRecord: Bool {
        guard bytes.count >= 12, number(at: 0, width: 8) <= count - 12 else { return false }
        let crc = Digest.crc32c(Array(bytes[..<8]))
        return number(at: 8, width: 4) == Int((crc >> 15 | crc << 17) &+ 0xA282_EAD8)
    }

    /// Web pages and other text; the rest is unknown.
    private var text: FileKind {
        let start = String(decoding: bytes.drop { $0 <= 0x20 || $0 >= 0x80 }.prefix(64), as: UTF8.self)
            .lowercased()
        func starts(_ tags: [String]) -> Bool { tags.contains { start.hasPrefix($0) } }
        if starts(["<svg", "<?xml"]), String(decoding: bytes, as: UTF8.self).lowercased().contains("<svg") {
            return .svg
        }
        if starts(["<!doctype html", "<html", "<head", "<?xml", "<script", "<!--"]) { return .html }
        let isUTF16 = begins([0xFF, 0xFE]) || begins([0xFE, 0xFF])
        let isText = bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F || (9...13).contains($0) || $0 == 0x1B }
        return isUTF16 || isText ? .text : .unknown
    }
}
