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
        public var state = Model.State.last
        public var weights = Model.Weights.average
        public var precision = Precision.fp32
        /// nil: a model's own, a store's own, or `suggested`.
        public var data: Datasets.DataProtocol?
        /// The protocol of the other side, for pictures that have none of their own.
        public var suggested: Datasets.DataProtocol?
        public var part: Labels.Split?
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
            let model = try Model(
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
