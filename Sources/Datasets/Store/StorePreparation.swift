import Files
import Foundation
import Imaging

/// Packs a source into a store: decoded, cropped and resized once, so that training reads nothing but memory.
public enum StorePreparation {
    /// A picture that was left out, and why.
    public struct BadPicture: Sendable, Equatable {
        public let name: String
        public let reason: String
    }

    public struct Report: Sendable {
        /// How many pictures the store holds.
        public let written: Int
        public let bad: [BadPicture]
        public let contentHash: String
        /// The size of the store in bytes.
        public let byteCount: Int
        public let seconds: Double
    }

    /// Packs the pictures in the source's order. Bad ones are left out and listed in the report.
    ///
    /// The store appears only when it is whole: nothing is left behind by an error, a cancellation or a kill.
    /// - Parameters:
    ///   - progress: called on the caller's thread with how many of how many pictures are done.
    ///   - cancelled: asked after every picture.
    /// - Throws: `CancellationError` when cancelled; `DataError` or `FileError` when the source cannot be read as a
    ///   whole, no picture is good, or the store cannot be written.
    public static func prepare(
        source: any PictureSource, protocol data: DataProtocol, to path: String,
        options: PreparationOptions = PreparationOptions(),
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in },
        cancelled: () -> Bool = { false }
    ) throws -> Report {
        let start = Date()
        if let damage = source.damage {
            throw DataError(
                "\(source.name): the archive is damaged: \(damage) A partial data set is not packed.")
        }
        let applied = try source.applying(data)
        let indices = try options.indices(in: source)
        let folder = (path as NSString).deletingLastPathComponent
        let spool = SpoolFile(folder: folder.isEmpty ? "." : folder, memoryLimit: options.memoryLimit)
        var hash = Digest.SHA256Stream()
        hash.update(Array(data.text.utf8))
        let names = source.names
        var written: [Int] = []
        var sizes: [PictureSize] = []
        var bad: [BadPicture] = []
        var done = 0
        progress(0, indices.count)
        try ParallelReader.run(
            source, indices: indices, size: applied.drawnSize,
            threads: options.threads ?? ProcessInfo.processInfo.activeProcessorCount,
            work: { _, content in Result { try applied.sample(of: content.get()) } },
            deliver: { index, sample in
                switch sample {
                case .success(let sample):
                    try sample.picture.pixels.withUnsafeBytes {
                        try spool.write($0)
                        hash.update($0)
                    }
                    written.append(index)
                    sizes.append(sample.original)
                case .failure(let error):
                    bad.append(BadPicture(name: names[index], reason: "\(error)"))
                }
                done += 1
                progress(done, indices.count)
                if cancelled() { throw CancellationError() }
                return true
            })
        guard !written.isEmpty else {
            throw DataError(
                "\(source.name): none of the \(indices.count) pictures could be packed under \(data.name); the first: "
                    + "\(bad[0].name): \(bad[0].reason)")
        }
        var labels = source.labels.rows(written)
        try labels.mapLandmarks(by: applied, sizes: sizes, frame: source.landmarkFrame)
        let contents = StoreContents(
            data: data, labels: labels, names: written.map { names[$0] }, sourceName: source.name,
            sourceKind: source.kind, skipped: bad.count)
        let contentHash = try contents.write(to: path, images: spool, imageHash: hash)
        return Report(
            written: written.count, bad: bad, contentHash: contentHash,
            byteCount: try MappedFile(path: path).count, seconds: Date().timeIntervalSince(start))
    }
}

/// What to pack, besides the source and the protocol.
public struct PreparationOptions: Sendable, Equatable {
    /// At most this many pictures: the first ones of those that are wanted.
    public var limit: Int?
    /// Only the pictures of this part of the data set.
    public var split: DataSplit?
    /// Names of pictures to leave out, with question marks for control characters.
    public var excluded: Set<String>
    /// How many threads decode; nil for one a processor. The result does not depend on it.
    public var threads: Int?
    /// How many bytes of samples wait in memory before the rest waits on the disk.
    package var memoryLimit = 1 << 28

    public init(
        limit: Int? = nil, split: DataSplit? = nil, excluded: Set<String> = [], threads: Int? = nil
    ) {
        self.limit = limit
        self.split = split
        self.excluded = excluded
        self.threads = threads
    }

    /// Everything that decides which pictures are packed, in one line.
    var text: String {
        let names = excluded.sorted(by: PictureNames.precedes).joined(separator: "\n")
        return
            "limit \(limit.map(String.init) ?? "none"); split \(split.map { "\($0)" } ?? "any"); without \(names)"
    }

    /// The wanted pictures, ascending. Throws `DataError` where the source has no parts or nothing remains.
    func indices(in source: any PictureSource) throws -> [Int] {
        var indices = Array(0..<source.count)
        if let split {
            let labels = source.labels
            guard !labels.splits.isEmpty else {
                throw DataError(
                    "\(source.name): it has no parts (train, validation, test): only CelebA with "
                        + "list_eval_partition.txt has; leave the split out")
            }
            indices = indices.filter { labels.splits[$0] == split.code }
        }
        if !excluded.isEmpty {
            let names = source.names
            indices = indices.filter { !excluded.contains(PictureNames.oneLine(names[$0])) }
        }
        if let limit { indices = Array(indices.prefix(max(0, limit))) }
        guard !indices.isEmpty else {
            throw DataError(
                "\(source.name): no pictures remain: check the limit, the split and the exclusions")
        }
        return indices
    }
}
