import Checkpoints
import Datasets
import Files
import Foundation
import Imaging
import Provenance
import Torch

/// Opens what a person names: a run, a model, or any source of pictures.
public enum PictureSets {
    /// How to open.
    public struct Options {
        /// Pictures at most; nil for all of a source, 10,000 of a model.
        public var count: Int?
        public var firstSeed: UInt64 = 0
        public var state = ModelState.last
        public var weights = ModelWeights.average
        public var precision = Precision.fp32
        /// nil: a model's own, a store's own, or `suggested`.
        public var data: Datasets.DataProtocol?
        /// The protocol of the other side, for pictures that have none of their own.
        public var suggested: Datasets.DataProtocol?
        public var part: DataSplit?
        public var device = Device.cpu

        public init() {}
    }

    /// How many faces a model draws unless somebody says otherwise.
    public static let modelCount = 10_000

    /// Whether a name stands for a model rather than for pictures.
    public static func isModel(_ name: String) -> Bool {
        if name.hasSuffix(".safetensors") { return true }
        return FileManager.default.fileExists(atPath: name + "/run.json")
            || FileManager.default.fileExists(atPath: name + "/checkpoints")
    }

    /// - Parameters:
    ///   - progress: called while pictures are packed.
    /// - Throws: `CheckpointError`, `DataError`, `FileError` with what to do; `CancellationError`.
    public static func open(
        _ name: String, _ options: Options, progress: (Int, Int) -> Void = { _, _ in },
        isCancelled: () -> Bool = { false }
    ) throws -> any PictureSet {
        if isModel(name) {
            let model = try GeneratorModel(
                name, state: options.state, weights: options.weights, device: options.device)
            return try ModelPictures(
                model, count: options.count ?? modelCount, firstSeed: options.firstSeed,
                precision: options.precision,
                protocol: options.data)
        }
        let source = try SourceOpener.open(name)
        let (data, meant) = try protocols(of: source, options)
        let store = try StoreCache().open(
            source, named: name, protocol: data, progress: progress, cancelled: isCancelled)
        return StorePictures(
            store, title: name, part: options.part, limit: options.count, data: meant,
            warnings: warnings(about: source, name))
    }

    /// How to read a source, and which protocol its pictures follow then.
    ///
    /// Files that already have the size of a protocol's samples, as those of `facegan generate`, are taken for such.
    private static func protocols(
        of source: any PictureSource, _ options: Options
    ) throws -> (read: Datasets.DataProtocol, meant: Datasets.DataProtocol) {
        let wanted = options.data ?? options.suggested
        if let packed = source.packedProtocol { return (packed, packed) }
        let size = wanted?.size ?? 64
        let usual = try source.kind.suggestedProtocol(size: size)
        guard let wanted else { return (usual, usual) }
        if let first = try? source.picture(at: 0), first.width == size, first.height == size {
            return (try .parse("square\(size)"), wanted)
        }
        return options.data.map { ($0, $0) } ?? (usual, usual)
    }

    /// What files say beside their pixels: compression, and marks of truncation.
    private static func warnings(about source: any PictureSource, _ name: String) -> [String] {
        guard source.packedProtocol == nil, !source.readsInOrder, source.kind != .builtIn else { return [] }
        var warnings: [String] = []
        let looked = (0..<min(64, source.count)).map { $0 * source.count / min(64, source.count) }
        var (psis, isLossy) = (Set<String>(), 0)
        for index in looked {
            guard case .encoded(let bytes)? = try? source.content(at: index, size: 64) else { continue }
            if bytes.starts(with: [0xFF, 0xD8]) { isLossy += 1 }
            if let psi = Provenance.read(bytes)?["truncationPsi"] { psis.insert(psi) }
        }
        let size = try? source.picture(at: 0)
        // A photograph that is made smaller loses most of what JPEG did to it.
        if isLossy > 0, let size, min(size.width, size.height) <= 128 {
            warnings.append(
                "\(name): small JPEG files; compression alone moves scores, so compare with JPEG only")
        }
        if let psi = psis.first, psis != ["1"] {
            warnings.append("\(name): truncated at psi \(psi): not comparable with untruncated faces")
        }
        return warnings
    }
}

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
    var data: Datasets.DataProtocol { get }
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

extension PictureSet {
    /// Pictures of a range on a device: [N, 3, side, side] in -1...1, channels last in memory.
    public func images(_ range: Range<Int>, on device: Device = .cpu) -> Tensor {
        Tensor.pictures(pixels(range), count: range.count, side: side, on: device)
    }
}
