import Files
import Foundation
import Imaging
import Provenance

/// Packing of a source into a store: pictures are decoded, cropped and resized once, before training.
public enum StorePreparation {
    /// A picture that was skipped, and the reason, named as by `SourceDoctor`.
    public typealias BadPicture = PictureProblem

    /// Results of packing.
    public struct Report: Sendable {
        /// The number of pictures in the store.
        public let written: Int
        /// Skipped pictures.
        public let bad: [BadPicture]
        /// The number of packed pictures by conversion, such as `.transparent` or `.enlarged`.
        public let notes: [PictureWarning: Int]
        /// Content hash of the store, 64 hexadecimal digits.
        public let contentHash: String
        /// Size of the store in bytes.
        public let byteCount: Int
        /// Duration in seconds.
        public let seconds: Double

        /// The conversions with their numbers, one line for each, in the order of `PictureWarning`.
        public var noteLines: [String] {
            PictureWarning.allCases.compactMap { note in notes[note].map { "\($0) \(note.rawValue)" } }
        }
    }

    /// Packs the pictures in the order of the source. Bad pictures are skipped and listed in the report.
    ///
    /// The file is created only when it is complete. An error, a cancellation or a kill leaves no partial file.
    /// - Parameters:
    ///   - source: the source to pack.
    ///   - data: the protocol of the samples.
    ///   - path: path of the store.
    ///   - options: selection of pictures and number of threads.
    ///   - progress: called on the caller's thread with the number of processed pictures and the total.
    ///   - cancelled: polled after every picture.
    /// - Returns: the report.
    /// - Throws: `CancellationError` if cancelled; `DataError` or `FileError` if the source as a whole cannot be
    ///   read, no picture can be used, or the store cannot be written.
    public static func prepare(
        source: any PictureSource, protocol data: DataProtocol, to path: String,
        options: PreparationOptions = PreparationOptions(),
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in },
        cancelled: () -> Bool = { false }
    ) throws -> Report {
        let start = Date()
        if let damage = source.damage {
            throw DataError(
                source is StoreSource
                    ? damage : "\(source.name): the archive is damaged and is not packed partially: \(damage)"
            )
        }
        let applied = try source.applying(data)
        let indices = try options.indices(in: source)
        let folder = Files.folder(ofPath: path)
        let spool = SpoolFile(folder: folder, memoryLimit: options.memoryLimit)
        var hash = Digest.SHA256Stream()
        hash.update(Array(data.text.utf8))
        let names = source.names
        var written: [Int] = []
        var sizes: [PictureSize] = []
        var origins: [Origin?] = []
        var notes: [PictureWarning: Int] = [:]
        var bad: [BadPicture] = []
        var done = 0
        progress(0, indices.count)
        try ParallelReader.run(
            source, indices: indices, size: applied.drawnSize,
            threads: options.threads ?? ProcessInfo.processInfo.activeProcessorCount,
            work: { index, content in
                Result { try applied.sample(of: content.get()) }.mapError {
                    PictureProblem(name: names[index], content: content, protocol: data, error: $0)
                }
            },
            deliver: { index, sample in
                switch sample {
                case .success(let sample):
                    try sample.picture.pixels.withUnsafeBytes {
                        try spool.write($0)
                        hash.update($0)
                    }
                    written.append(index)
                    sizes.append(sample.original)
                    origins.append(sample.origin ?? source.packedOrigin(at: index))
                    for note in sample.notes { notes[note, default: 0] += 1 }
                case .failure(let problem): bad.append(problem)
                }
                done += 1
                progress(done, indices.count)
                if cancelled() { throw CancellationError() }
                return true
            })
        guard !written.isEmpty else {
            throw DataError(
                "\(source.name): none of the \(indices.count) pictures could be packed with the protocol "
                    + "\(data.name); the first problem: \(bad[0])")
        }
        var labels = source.labels.rows(written)
        try labels.mapLandmarks(by: applied, sizes: sizes, frame: source.landmarkFrame)
        let contents = StoreContents(
            data: data, labels: labels, names: written.map { names[$0] }, sourceName: source.name,
            sourceKind: source.kind, skipped: bad.count, marks: StoreMarks(origins))
        let contentHash = try contents.write(to: path, images: spool, imageHash: hash)
        return Report(
            written: written.count, bad: bad, notes: notes, contentHash: contentHash,
            byteCount: try MappedFile(path: path).count, seconds: Date().timeIntervalSince(start))
    }
}

/// Selection of the pictures to pack, and resources for packing.
public struct PreparationOptions: Sendable, Equatable {
    /// The maximum number of pictures, counted after `split` and `excluded` are applied; nil for all.
    public var limit: Int?
    /// The split to pack; nil for all pictures.
    public var split: DataSplit?
    /// Names of pictures to skip, compared by their bytes.
    public var excluded: Set<FileName>
    /// The number of decoding threads; nil for one per processor. It does not affect the result.
    public var threads: Int?
    /// Bytes of samples that are buffered in memory; the rest is buffered on disk.
    package var memoryLimit = 1 << 28

    /// Creates options. The default is all pictures and one thread per processor.
    public init(
        limit: Int? = nil, split: DataSplit? = nil, excluded: Set<FileName> = [], threads: Int? = nil
    ) {
        self.limit = limit
        self.split = split
        self.excluded = excluded
        self.threads = threads
    }

    /// Description of all options that affect the selection, in one line.
    var text: String {
        let names = excluded.map(\.text).sorted(by: PictureNames.precedes).joined(separator: "\n")
        return
            "limit \(limit.map(String.init) ?? "none"); split \(split.map { "\($0)" } ?? "any"); "
            + "without \(names)"
    }

    /// Returns the selected pictures, ascending.
    ///
    /// - Throws: `DataError` if the source has no splits or no picture remains.
    func indices(in source: any PictureSource) throws -> [Int] {
        var indices = Array(0..<source.count)
        if let split {
            let labels = source.labels
            guard !labels.splits.isEmpty else {
                throw DataError(
                    "\(source.name): the source has no splits (train, validation, test); only CelebA with "
                        + "list_eval_partition.txt has them: omit the split")
            }
            indices = indices.filter { labels.splits[$0] == split.code }
        }
        if !excluded.isEmpty {
            let names = source.names
            indices = indices.filter { !excluded.contains(FileName(PictureNames.oneLine(names[$0]))) }
        }
        if let limit { indices = Array(indices.prefix(max(0, limit))) }
        guard !indices.isEmpty else {
            throw DataError(
                "\(source.name): no pictures remain: check the limit, the split and the exclusions")
        }
        return indices
    }
}
