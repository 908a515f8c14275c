import Files
import Foundation
import Imaging

/// Conversion of pictures into training samples: a named combination of crop, resize filter and size.
///
/// Scores are comparable only under one protocol. Its name and `hash` are therefore stored in every packed store,
/// checkpoint and metric. Samples are RGB, UInt8, `size` x `size`.
///
///     let celeba = try DataProtocol.parse("celeba64-178")
///     let sample = try celeba.apply(picture)      // 64x64 RGB
public struct DataProtocol: Sendable, Equatable {
    /// The part of a picture that is kept.
    public enum Crop: Sendable, Equatable {
        /// The centered `size` x `size` pixels.
        case center(size: Int)
        /// The pixels `left..<right` x `top..<bottom`.
        case box(left: Int, top: Int, right: Int, bottom: Int)
        /// The largest centered square.
        case square
    }

    /// The name that `parse` accepts, such as `celeba64-178`.
    public let name: String
    /// The part of a picture that is kept.
    public let crop: Crop
    /// The filter that resizes the crop to the sample.
    public let filter: ResizeFilter
    /// Width and height of a sample in pixels.
    public let size: Int
    /// Color behind transparent pixels.
    public let background: Background

    /// Creates a protocol. `size` must be positive.
    public init(
        name: String, crop: Crop, filter: ResizeFilter = .lanczos, size: Int, background: Background = .white
    ) {
        precondition(size > 0, "DataProtocol: expected a size above 0, got \(size)")
        self.name = name
        self.crop = crop
        self.filter = filter
        self.size = size
        self.background = background
    }

    /// Canonical description of everything that affects the pixels, in one line. It does not contain the name.
    public var text: String {
        let region =
            switch crop {
            case .center(let size): "centre \(size)x\(size)"
            case .box(let left, let top, let right, let bottom): "box \(left),\(top),\(right),\(bottom)"
            case .square: "square"
            }
        // White is not named: it was the only background of earlier protocols, whose hashes remain valid.
        let behind = background == .white ? "" : "; background \(background.hexadecimal)"
        return
            "facegan data protocol 1; crop \(region); resize \(filter.rawValue) \(size)x\(size); rgb u8\(behind)"
    }

    /// The first 16 hexadecimal digits of the SHA-256 of `text`.
    public var hash: String {
        Array(text.utf8).withUnsafeBytes { String(Digest.sha256($0).prefix(16)) }
    }
}

extension DataProtocol: CustomStringConvertible {
    /// The name and the hash.
    public var description: String { "\(name) (\(hash))" }
}

extension DataProtocol {
    /// Parses the output of `text`. Returns nil for any other text.
    init?(name: String, text: String) {
        let parts = text.split(separator: ";").map { $0.split(separator: " ").map(String.init) }
        guard parts.count == 4 || parts.count == 5, parts[1].count >= 2, parts[2].count == 3,
            let filter = ResizeFilter(rawValue: parts[2][1]),
            let size = parts[2][2].split(separator: "x").first.flatMap({ Int($0) }),
            (1...Self.largestSide).contains(size)
        else { return nil }
        var background = Background.white
        if parts.count == 5 {
            guard parts[4].count == 2, let color = Background(parts[4][1]) else { return nil }
            background = color
        }
        let crop: Crop
        let numbers =
            parts[1].count == 3 ? parts[1][2].split { "x,".contains($0) }.compactMap { Int($0) } : []
        switch (parts[1][1], numbers.count) {
        case ("square", 0): crop = .square
        case ("centre", 2): crop = .center(size: numbers[0])
        case ("box", 4): crop = .box(left: numbers[0], top: numbers[1], right: numbers[2], bottom: numbers[3])
        default: return nil
        }
        guard crop.isValid(within: Self.largestSide) else { return nil }
        self.init(name: name, crop: crop, filter: filter, size: size, background: background)
        // Only the canonical form is accepted.
        guard self.text == text else { return nil }
    }
}

extension DataProtocol {
    /// Largest side of a sample and of a crop in a file, in pixels.
    private static let largestSide = 65_535

    /// Whether a name from a file is safe to show and to use in file names: 1 to 100 ASCII letters, digits, `-`, `_`
    /// and `.`, and it does not begin with `.`.
    static func isSafeName(_ name: String) -> Bool {
        (1...100).contains(name.utf8.count) && !name.hasPrefix(".")
            && name.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
                default: false
                }
            }
    }

    /// Returns this protocol with another color behind transparent pixels. Its name ends with `-background-RRGGBB`
    /// unless the color is white.
    public func over(_ background: Background) -> DataProtocol {
        let stem = Self.split(name)?.stem ?? name
        let suffix = background == .white ? "" : Self.backgroundInfix + background.hexadecimal
        return DataProtocol(
            name: stem + suffix, crop: crop, filter: filter, size: size, background: background)
    }

    private static let backgroundInfix = "-background-"

    /// The parts of a name with a background; nil for other names.
    private static func split(_ name: String) -> (stem: String, background: Background)? {
        guard let range = name.range(of: backgroundInfix),
            let color = Background(String(name[range.upperBound...]))
        else { return nil }
        return (String(name[..<range.lowerBound]), color)
    }
}

extension DataProtocol.Crop {
    /// Whether the crop has pixels, no negative coordinates, and none above `limit`.
    func isValid(within limit: Int) -> Bool {
        switch self {
        case .center(let size): (1...limit).contains(size)
        case .box(let left, let top, let right, let bottom):
            left >= 0 && top >= 0 && left < right && top < bottom && right <= limit && bottom <= limit
        case .square: true
        }
    }
}

extension DataProtocol {
    /// Returns the sample of a picture: RGB, `size` x `size`.
    ///
    /// - Throws: `DataError` if the picture is smaller than the crop.
    public func apply(_ picture: Picture) throws -> Picture {
        let box = try box(width: picture.width, height: picture.height)
        return try picture.rgb(over: background).cropped(to: box).resized(
            width: size, height: size, filter: filter)
    }

    /// Maps a point of the original picture to the sample.
    ///
    /// - Parameters:
    ///   - x: horizontal position in pixels of the original picture, increasing to the right.
    ///   - y: vertical position in pixels of the original picture, increasing downwards.
    ///   - width: width of the original picture in pixels.
    ///   - height: height of the original picture in pixels.
    /// - Returns: the position in pixels of the sample.
    /// - Throws: `DataError` if the picture is smaller than the crop.
    public func map(x: Float, y: Float, width: Int, height: Int) throws -> (x: Float, y: Float) {
        let box = try box(width: width, height: height)
        return (
            x: (x - Float(box.x)) * Float(size) / Float(box.width),
            y: (y - Float(box.y)) * Float(size) / Float(box.height)
        )
    }

    /// Returns the part that is kept of a picture of the given size, in pixels.
    ///
    /// - Throws: `DataError` if the picture is smaller than the crop.
    public func box(width: Int, height: Int) throws -> PictureBox {
        switch crop {
        case .square:
            let side = min(width, height)
            return PictureBox(x: (width - side) / 2, y: (height - side) / 2, width: side, height: side)
        case .center(let side):
            guard side <= width, side <= height else {
                throw DataError.tooSmall(
                    width: width, height: height, needed: "\(side)x\(side)", protocol: name)
            }
            return PictureBox(x: (width - side) / 2, y: (height - side) / 2, width: side, height: side)
        case .box(let left, let top, let right, let bottom):
            guard right <= width, bottom <= height else {
                throw DataError.tooSmall(
                    width: width, height: height, needed: "\(right)x\(bottom)", protocol: name)
            }
            return PictureBox(x: left, y: top, width: right - left, height: bottom - top)
        }
    }
}

extension DataProtocol {
    /// Common protocols by name, in the sizes 32, 64, 128 and 256. `parse` accepts further sizes and crops.
    public static let named: [String: DataProtocol] = {
        var table: [String: DataProtocol] = [:]
        for size in [32, 64, 128, 256] {
            var names = ["faces\(size)", "square\(size)", "lfw\(size)-160", "lfw\(size)-140"]
            for crop in [178, 148, 128, 108] { names.append("celeba\(size)-\(crop)") }
            for name in names { table[name] = try? parse(name) }
        }
        return table
    }()

    /// Parses the name of a protocol.
    ///
    /// | name | crop |
    /// |---|---|
    /// | `celeba64-178` | centered 178x178 of CelebA's aligned 178x218 |
    /// | `celeba64-148` | the box (15, 40, 163, 188) |
    /// | `celeba64-128` | 128x128 window around (89, 121), as in progressive growing |
    /// | `celeba64-108` | centered 108x108 |
    /// | `lfw64-160`, `lfw64-140` | centered 160x160 or 140x140 of LFW's 250x250 |
    /// | `faces64`, `square64` | the largest centered square |
    ///
    /// 64 can be any power of two in 8...1024. The crop can be any other centered square. A suffix `-box`,
    /// `-bilinear` or `-bicubic` replaces the antialiased Lanczos filter. A suffix `-background-000000` replaces white
    /// behind transparent pixels by another color, in hexadecimal digits.
    ///
    /// - Throws: `DataError` for any other name.
    public static func parse(_ name: String) throws -> DataProtocol {
        if let (stem, color) = split(name) { return try parse(stem).over(color) }
        var parts = name.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
        var filter = ResizeFilter.lanczos
        if parts.count > 1, let last = parts.last, let named = ResizeFilter(rawValue: last), named != .lanczos
        {
            filter = named
            parts.removeLast()
        }
        let family = String(parts[0].prefix { $0.isLetter })
        guard let size = Int(parts[0].dropFirst(family.count)), size.nonzeroBitCount == 1,
            (8...1024).contains(size),
            let crop = crop(family: family, detail: Array(parts.dropFirst()))
        else { throw DataError.unknownProtocol(name) }
        return DataProtocol(name: name, crop: crop, filter: filter, size: size)
    }

    private static func crop(family: String, detail: [String]) -> Crop? {
        let side = detail.count == 1 ? Int(detail[0]) : nil
        switch (family, side) {
        case ("faces", nil) where detail.isEmpty, ("square", nil) where detail.isEmpty: return .square
        case ("celeba", 148): return .box(left: 15, top: 40, right: 163, bottom: 188)
        case ("celeba", 128): return .box(left: 25, top: 57, right: 153, bottom: 185)
        case ("celeba", let side?) where (16...178).contains(side): return .center(size: side)
        case ("lfw", let side?) where (16...250).contains(side): return .center(size: side)
        default: return nil
        }
    }
}
