import Datasets
import Imaging

/// Pictures to judge, in a fixed order; they may be read any number of times.
public protocol PictureSet {
    /// For a reader: what it is.
    var title: String { get }
    var count: Int { get }
    /// Width and height in pixels.
    var side: Int { get }
    /// Digest of everything that decides the pixels, for caches and reports.
    var contentHash: String { get }
    /// The protocol that the pictures follow.
    var data: DataProtocol { get }
    /// What a model drew, and how; nil for files and photographs.
    var drawn: DrawnFacts? { get }
    /// What a reader must know before believing a comparison, such as that the files are JPEG.
    var warnings: [String] { get }
    /// Whether statistics are worth keeping for the next time.
    var isLasting: Bool { get }
    /// Attributes of the pictures, where they are known: names, and [count, names] of 1, -1 or 0.
    var attributes: (names: [String], values: [Int8])? { get }

    /// Pixels of a range, one picture after the other, `side` x `side` x 3 bytes each.
    func pixels(_ range: Range<Int>) -> [UInt8]
}

/// How a model drew its pictures.
public struct DrawnFacts: Sendable, Equatable, Codable {
    /// SHA-256 of the weights.
    public let model: String
    /// First and last seed.
    public let seeds: ClosedRange<UInt64>
    /// `average` or `raw`.
    public let weights: String
    /// `fp32` or `bf16`.
    public let precision: String
    /// Shrinking of the latents; 1 for none.
    public let truncationPsi: Double
    /// What all faces were asked for, `Smiling=1,Eyeglasses=0`; nil for nothing.
    public var asked: String?
}

extension PictureSet {
    public var drawn: DrawnFacts? { nil }
    public var warnings: [String] { [] }
    public var isLasting: Bool { false }
    public var attributes: (names: [String], values: [Int8])? { nil }

    /// One picture.
    func picture(_ index: Int) -> Picture {
        Picture(width: side, height: side, channels: 3, pixels: pixels(index..<(index + 1)))
    }
}
