import Foundation
import Imaging
import Provenance

/// A few samples of a source after cropping and resizing.
public struct SourcePreview: Sendable {
    /// The samples: RGB, with the size of the protocol.
    public let pictures: [Picture]
    /// Names of the samples' pictures.
    public let names: [String]
    /// The mark of generated pictures that a picture made of the samples must bear; nil if no picture has one.
    public let origin: Origin?
    /// Selected pictures that cannot be used, with reasons.
    public let bad: [StorePreparation.BadPicture]

    /// Reads pictures at regular intervals from the source.
    /// - Parameters:
    ///   - source: the source to read.
    ///   - data: the protocol of the samples.
    ///   - count: the maximum number of samples, positive.
    /// - Throws: `DataError` if no picture can be used, the archive cannot be read, or a store has another
    ///   protocol or does not match its content hash.
    public init(of source: any PictureSource, protocol data: DataProtocol, count: Int) throws {
        precondition(count > 0, "SourcePreview: expected a count above 0, got \(count)")
        if source is StoreSource, let damage = source.damage { throw DataError(damage) }
        let applied = try source.applying(data)
        let wanted = min(count, source.count)
        let indices = (0..<wanted).map { $0 * source.count / wanted }
        let allNames = source.names
        var pictures: [Picture] = []
        var names: [String] = []
        var origins: [Origin?] = []
        var bad: [StorePreparation.BadPicture] = []
        try ParallelReader.run(
            source, indices: indices, size: applied.drawnSize,
            threads: ProcessInfo.processInfo.activeProcessorCount,
            work: { index, content in
                Result { try applied.sample(of: content.get()) }.mapError {
                    PictureProblem(name: allNames[index], content: content, protocol: data, error: $0)
                }
            },
            deliver: { index, sample in
                switch sample {
                case .success(let sample):
                    pictures.append(sample.picture)
                    origins.append(sample.origin ?? source.packedOrigin(at: index))
                    names.append(allNames[index])
                case .failure(let problem): bad.append(problem)
                }
                return true
            })
        guard !pictures.isEmpty else {
            throw DataError(
                "\(source.name): none of \(wanted) pictures can be used; the first problem: \(bad[0])")
        }
        self.pictures = pictures
        self.names = names
        self.bad = bad
        origin = Origin.derived(from: origins)
    }

    /// Composes all samples into one picture.
    public func sheet() -> Picture {
        Grid.compose(pictures)
    }

    /// Composes a picture with one row per sample: the sample, followed by augmented versions.
    public func sheet(augmentation: Augmentation, columns: Int = 8, seed: UInt64 = 0) -> Picture {
        let cells = pictures.enumerated().flatMap { row, picture in
            [picture]
                + (1..<max(2, columns)).map { column in
                    augmentation.apply(to: picture, seed: seed, position: row * columns + column)
                }
        }
        return Grid.compose(cells, columns: columns)
    }
}
