/// What to pack, besides the source and the protocol.
public struct PreparationOptions: Sendable, Equatable {
    /// At most this many pictures: the first ones of those that are wanted.
    public var limit: Int?
    /// Only the pictures of this part of the data set.
    public var split: Labels.Split?
    /// Names of pictures to leave out, with question marks for control characters.
    public var excluded: Set<String>
    /// How many threads decode; nil for one a processor. The result does not depend on it.
    public var threads: Int?
    /// How many bytes of samples wait in memory before the rest waits on the disk.
    package var memoryLimit = 1 << 28

    public init(
        limit: Int? = nil, split: Labels.Split? = nil, excluded: Set<String> = [], threads: Int? = nil
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
            indices = indices.filter { labels.splits[$0] == split.rawValue }
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
