import Checkpoints
import Datasets
import Files
import Foundation
import Imaging
import PretrainedWeights
import Provenance
import Torch

/// Opening of pictures by the name of their source: a run, a model, or a source of pictures.
public enum PictureSets {
    /// Options of opening.
    public struct Options {
        /// Limit of the pictures; nil for all of a source, and `modelCount` of a model.
        public var count: Int?
        /// First seed of the faces of a model.
        public var firstSeed: UInt64 = 0
        /// State of a run directory.
        public var state = ModelState.last
        /// Weights of a model.
        public var weights = ModelWeights.average
        /// Precision of a generator.
        public var precision = Precision.fp32
        /// Data protocol; nil for that of the model or store, else `suggested`.
        public var data: Datasets.DataProtocol?
        /// Data protocol of the other side, for pictures without a protocol.
        public var suggested: Datasets.DataProtocol?
        /// Part of a data set; nil for all.
        public var part: DataSplit?
        /// Part of a data set that has official splits; other pictures are used completely. nil for all.
        public var officialPart: DataSplit?
        /// Device of a model.
        public var device = Device.cpu

        /// Default options.
        public init() {}
    }

    /// Default number of faces of a model.
    public static let modelCount = 10_000

    /// Whether a name is a model file or a run directory.
    public static func isModel(_ name: String) -> Bool {
        if name.hasSuffix(".safetensors") || BundledModels.isName(name) { return true }
        // Opening it as a model explains how to convert it.
        if ModelFile.isPyTorch(name) { return true }
        return FileManager.default.fileExists(atPath: name + "/run.json")
            || FileManager.default.fileExists(atPath: name + "/checkpoints")
    }

    /// Opens pictures.
    /// - Parameters:
    ///   - name: run directory, model file, folder or archive of pictures, packed store, or `builtin:N`.
    ///   - options: number, protocol, part and device.
    ///   - progress: called with packed and total pictures while pictures are packed.
    ///   - isCancelled: called while pictures are packed.
    /// - Throws: `CheckpointError` for a model that cannot be loaded, `DataError` for pictures that cannot be read, `FileError`;
    ///   `EvaluationError` for a part without pictures; `CancellationError`.
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
        let part = options.part ?? (store.labels.splits.isEmpty ? nil : options.officialPart)
        let pictures = StorePictures(
            store, title: name, part: part, limit: options.count, data: meant,
            warnings: warnings(about: source, name))
        if let part, pictures.count == 0 {
            let counts = DataSplit.allCases.map { "\($0.rawValue) \(store.part($0).count)" }
            throw EvaluationError(
                "\(name): no pictures in the \(part.rawValue) part (\(counts.joined(separator: ", "))); choose another part, or"
                    + " omit it")
        }
        return pictures
    }

    /// Protocol for reading a source, and protocol that its pictures have.
    ///
    /// Files with the size of the samples of a protocol, such as those of `facegan generate`, are read without a crop.
    private static func protocols(
        of source: any PictureSource, _ options: Options
    ) throws -> (read: Datasets.DataProtocol, meant: Datasets.DataProtocol) {
        let wanted = options.data ?? options.suggested
        if let packed = source.packedProtocol { return (packed, packed) }
        let size = wanted?.size ?? 64
        let usual = try source.kind.suggestedProtocol(size: size)
        guard let wanted else { return (usual, usual) }
        if let first = try? source.picture(at: 0), first.width == size, first.height == size {
            return (try DataProtocol.parse("square\(size)").over(wanted.background), wanted)
        }
        return options.data.map { ($0, $0) } ?? (usual, usual)
    }

    /// Warnings about compression and truncation of files.
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
        // Downscaling of larger photographs removes most artifacts of JPEG.
        if isLossy > 0, let size, min(size.width, size.height) <= 128 {
            warnings.append(
                "\(name): small JPEG files; compression changes scores, so compare with JPEG files only")
        }
        if let psi = psis.first, psis != ["1"] {
            warnings.append("\(name): truncated with psi \(psi); not comparable with untruncated faces")
        }
        return warnings
    }
}

/// Pictures for an evaluation, in a fixed order. They can be read repeatedly.
public protocol PictureSet {
    /// Title for a reader.
    var title: String { get }
    /// Number of pictures.
    var count: Int { get }
    /// Width and height of the pictures, in pixels.
    var side: Int { get }
    /// SHA-256 of everything that the pixels depend on, for caches and reports.
    var contentHash: String { get }
    /// Data protocol of the pictures.
    var data: Datasets.DataProtocol { get }
    /// Generation of the pictures; nil for files and photographs.
    var drawn: DrawnFacts? { get }
    /// The mark of generated media that a picture made of the given pictures must bear; nil if none of them has one.
    func origin(of indices: [Int]) -> Origin?
    /// Reasons why scores are less reliable, such as JPEG compression.
    var warnings: [String] { get }
    /// Whether features are cached.
    var isLasting: Bool { get }
    /// Names of attributes, and values [count, names] of 1 (present), -1 (absent) or 0 (unknown); nil if unknown.
    var attributes: (names: [String], values: [Int8])? { get }

    /// Pixels of a range of pictures: `side` x `side` x 3 bytes each.
    func pixels(_ range: Range<Int>) -> [UInt8]
}

/// Generation of pictures by a model.
public struct DrawnFacts: Sendable, Equatable, Codable {
    /// SHA-256 of the weights.
    public let model: String
    /// First and last seed.
    public let seeds: ClosedRange<UInt64>
    /// `average` or `raw`.
    public let weights: String
    /// `fp32` or `bf16`.
    public let precision: String
    /// Truncation psi of the latents; 1 for no truncation.
    public let truncationPsi: Double
    /// Attributes requested for all faces, such as `Smiling=1,Eyeglasses=0`; nil for none.
    public var asked: String?
}

extension PictureSet {
    /// nil: not generated.
    public var drawn: DrawnFacts? { nil }

    /// The mark of the model that generated the pictures; nil for others.
    public func origin(of indices: [Int]) -> Origin? {
        drawn.map { Origin(software: Origin.program, model: $0.model, fields: [("use", "evaluation")]) }
    }
    /// No warnings.
    public var warnings: [String] { [] }
    /// false: features are not cached.
    public var isLasting: Bool { false }
    /// nil: no labels.
    public var attributes: (names: [String], values: [Int8])? { nil }

    /// Picture of an index.
    func picture(_ index: Int) -> Picture {
        Picture(width: side, height: side, channels: 3, pixels: pixels(index..<(index + 1)))
    }
}

extension PictureSet {
    /// Pictures of a range on a device.
    /// - Returns: [N, 3, side, side] in -1...1, float32, channels last in memory.
    public func images(_ range: Range<Int>, on device: Device = .cpu) -> Tensor {
        Tensor.pictures(pixels(range), count: range.count, side: side, on: device)
    }
}
