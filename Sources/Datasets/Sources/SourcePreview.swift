import Foundation
import Imaging

/// A few samples of a source, as training will see them.
public struct SourcePreview: Sendable {
    /// The samples: RGB, all of the protocol's size.
    public let pictures: [Picture]
    public let names: [String]
    /// The ones that could not be shown, and why.
    public let bad: [StorePreparation.BadPicture]

    /// Takes pictures that are spread evenly over the source.
    /// - Throws: `DataError` if none can be shown, the archive cannot be read, or a store has another protocol.
    public init(of source: any PictureSource, protocol data: DataProtocol, count: Int) throws {
        precondition(count > 0, "SourcePreview: expected a count above 0, got \(count)")
        let applied = try source.applying(data)
        let wanted = min(count, source.count)
        let indices = (0..<wanted).map { $0 * source.count / wanted }
        let allNames = source.names
        var pictures: [Picture] = []
        var names: [String] = []
        var bad: [StorePreparation.BadPicture] = []
        try ParallelReader.run(
            source, indices: indices, size: applied.drawnSize,
            threads: ProcessInfo.processInfo.activeProcessorCount,
            work: { _, content in Result { try applied.sample(of: content.get()).picture } },
            deliver: { index, sample in
                switch sample {
                case .success(let picture):
                    pictures.append(picture)
                    names.append(allNames[index])
                case .failure(let error):
                    bad.append(StorePreparation.BadPicture(name: allNames[index], reason: "\(error)"))
                }
                return true
            })
        guard !pictures.isEmpty else {
            throw DataError(
                "\(source.name): none of \(wanted) pictures can be shown; the first: \(bad[0].reason)")
        }
        self.pictures = pictures
        self.names = names
        self.bad = bad
    }

    /// All samples in one picture.
    public func sheet() -> Picture {
        Grid.compose(pictures)
    }

    /// A row for every sample: the sample itself, then what augmentation makes of it.
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
