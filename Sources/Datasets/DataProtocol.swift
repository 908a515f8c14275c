import Files
import Imaging

/// How pictures become training samples: one crop, one filter, one size, under one name.
///
/// Scores are comparable only under one protocol, so its name and `hash` travel with every packed store, checkpoint and
/// metric. Samples are RGB, UInt8, `size` x `size`.
///
///     let celeba = try DataProtocol.parse("celeba64-178")
///     let sample = try celeba.apply(picture)      // 64x64 RGB
public struct DataProtocol: Sendable, Equatable {
    /// What part of the picture is kept.
    public enum Crop: Sendable, Equatable {
        /// The middle `size` x `size` pixels.
        case center(size: Int)
        /// The pixels `left..<right` x `top..<bottom`.
        case box(left: Int, top: Int, right: Int, bottom: Int)
        /// The largest square in the middle.
        case square
    }

    /// The name that `parse` understands, such as `celeba64-178`.
    public let name: String
    public let crop: Crop
    public let filter: ResizeFilter
    /// Width and height of a sample in pixels.
    public let size: Int

    public init(name: String, crop: Crop, filter: ResizeFilter = .lanczos, size: Int) {
        precondition(size > 0, "DataProtocol: expected a size above 0, got \(size)")
        self.name = name
        self.crop = crop
        self.filter = filter
        self.size = size
    }

    /// Everything that decides the pixels, in one canonical line. The name is not part of it.
    public var text: String {
        let region =
            switch crop {
            case .center(let size): "centre \(size)x\(size)"
            case .box(let left, let top, let right, let bottom): "box \(left),\(top),\(right),\(bottom)"
            case .square: "square"
            }
        return "facegan data protocol 1; crop \(region); resize \(filter.rawValue) \(size)x\(size); rgb u8"
    }

    /// The first 16 hexadecimal digits of the SHA-256 of `text`.
    public var hash: String {
        Array(text.utf8).withUnsafeBytes { String(Digest.sha256($0).prefix(16)) }
    }
}

extension DataProtocol: CustomStringConvertible {
    public var description: String { "\(name) (\(hash))" }
}

extension DataProtocol {
    /// Reads back what `text` wrote; nil if it is something else.
    init?(name: String, text: String) {
        let parts = text.split(separator: ";").map { $0.split(separator: " ").map(String.init) }
        guard parts.count == 4, parts[1].count >= 2, parts[2].count == 3,
            let filter = ResizeFilter(rawValue: parts[2][1]),
            let size = parts[2][2].split(separator: "x").first.flatMap({ Int($0) }), size > 0
        else { return nil }
        let crop: Crop
        let numbers =
            parts[1].count == 3 ? parts[1][2].split { "x,".contains($0) }.compactMap { Int($0) } : []
        switch (parts[1][1], numbers.count) {
        case ("square", 0): crop = .square
        case ("centre", 2): crop = .center(size: numbers[0])
        case ("box", 4): crop = .box(left: numbers[0], top: numbers[1], right: numbers[2], bottom: numbers[3])
        default: return nil
        }
        self.init(name: name, crop: crop, filter: filter, size: size)
        // Whatever was read must say the same when it is written again.
        guard self.text == text else { return nil }
    }
}
