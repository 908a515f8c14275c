/// The results of `SourceDoctor` for a source.
public struct SourceReport: Sendable, Codable {
    /// A picture that cannot be used.
    public struct Bad: Sendable, Codable, Equatable {
        /// Name of the picture in its source.
        public let name: String
        /// The kind of the problem.
        public let kind: PictureProblem.Kind
        /// The message of the decoder or the archive reader.
        public let reason: String
    }

    /// Pictures that are duplicates of each other. The first one should be kept.
    public struct Group: Sendable, Codable, Equatable {
        /// Names of the pictures, in the order of the source.
        public let names: [String]
        /// The largest difference to the first picture, in gray levels of a 16x16 thumbnail; 0 for identical files.
        public let difference: Float
        /// Whether one of the pictures is a mirror image.
        public let isMirrored: Bool
    }

    /// A picture size and its frequency.
    public struct Size: Sendable, Codable, Equatable {
        /// Width in pixels.
        public let width: Int
        /// Height in pixels.
        public let height: Int
        /// The number of pictures of this size.
        public let count: Int
    }

    /// A picture whose size differs from most others.
    public struct OddSize: Sendable, Codable, Equatable {
        /// Name of the picture in its source.
        public let name: String
        /// Width in pixels.
        public let width: Int
        /// Height in pixels.
        public let height: Int
    }

    /// Summary of the labels of the source.
    public struct Labels: Sendable, Codable, Equatable {
        /// The number of attributes.
        public var attributes = 0
        /// The number of different persons.
        public var identities = 0
        /// The number of different classes.
        public var classes = 0
        /// The number of pictures by the name of the split.
        public var splits: [String: Int] = [:]
        /// The number of rows that cannot be parsed or have impossible values.
        public var malformed = 0
        /// Descriptions of all label problems, malformed rows first.
        public var issues: [String] = []
        /// The number of label problems by kind.
        public var counts: [String: Int] = [:]
    }

    /// Name of the source.
    public internal(set) var source: String
    /// Kind of the source.
    public internal(set) var kind: SourceKind
    /// The number of examined pictures.
    public internal(set) var pictureCount: Int
    /// Damage of the archive or store as a whole; nil if there is none.
    public internal(set) var damage: String?
    /// Pictures that cannot be used.
    public internal(set) var bad: [Bad] = []
    /// Files that are used neither as pictures nor as label files.
    public internal(set) var skipped: [SkippedFile] = []
    /// Names of pictures by warning.
    public internal(set) var warnings: [String: [String]] = [:]
    /// Groups of files with the same bytes.
    public internal(set) var exactDuplicates: [Group] = []
    /// Groups of different files that show the same photograph.
    public internal(set) var nearDuplicates: [Group] = []
    /// All sizes, the most frequent first.
    public internal(set) var sizes: [Size] = []
    /// Pictures whose size differs from most others.
    public internal(set) var oddSizes: [OddSize] = []
    /// Summary of the labels.
    public internal(set) var labels = Labels()
    /// Duration of the examination in seconds.
    public internal(set) var seconds: Double = 0

    /// Whether every picture can be used, the archive is complete, and no label row is malformed.
    public var isHealthy: Bool { bad.isEmpty && damage == nil && labels.malformed == 0 }

    init(source: String, kind: SourceKind, pictureCount: Int) {
        self.source = source
        self.kind = kind
        self.pictureCount = pictureCount
    }
}

/// Accumulator over the examinations of single pictures.
struct Tally {
    private struct Side: Hashable {
        let width: Int
        let height: Int
    }

    private(set) var warnings: [PictureWarning: [Int]] = [:]
    private var byDigest: [String: [Int]] = [:]
    private var sizes: [Side: [Int]] = [:]
    /// Thumbnails of pictures, without exact copies of earlier ones.
    private var thumbnails: [Thumbnail] = []
    private var thumbnailOwners: [Int] = []

    mutating func add(_ examination: PictureExamination, index: Int) {
        for warning in examination.warnings { warnings[warning, default: []].append(index) }
        guard let thumbnail = examination.thumbnail else { return }
        sizes[Side(width: examination.width, height: examination.height), default: []].append(index)
        if let digest = examination.digest {
            byDigest[digest, default: []].append(index)
            guard byDigest[digest]?.count == 1 else { return }
        }
        thumbnails.append(thumbnail)
        thumbnailOwners.append(index)
    }

    /// Groups of files with the same bytes.
    func exactGroups(names: [String]) -> [SourceReport.Group] {
        byDigest.values.filter { $0.count > 1 }.sorted { $0[0] < $1[0] }.map { group in
            SourceReport.Group(names: group.map { names[$0] }, difference: 0, isMirrored: false)
        }
    }

    /// Groups of near-duplicates. A picture that is near to several others joins the group of the first.
    func nearGroups(names: [String], cancelled: () -> Bool) -> [SourceReport.Group] {
        var group: [Int: Int] = [:]
        var members: [Int: (items: [Int], difference: Float, isMirrored: Bool)] = [:]
        for pair in NearDuplicates.find(in: thumbnails, cancelled: cancelled) where group[pair.second] == nil
        {
            let first = group[pair.first] ?? pair.first
            group[pair.second] = first
            var known = members[first] ?? ([first], 0, false)
            known.items.append(pair.second)
            known.difference = max(known.difference, pair.difference)
            known.isMirrored = known.isMirrored || pair.isMirrored
            members[first] = known
        }
        return members.sorted { $0.key < $1.key }.map { _, found in
            SourceReport.Group(
                names: found.items.map { names[thumbnailOwners[$0]] }, difference: found.difference,
                isMirrored: found.isMirrored)
        }
    }

    /// All sizes, the most frequent first.
    func sizeTable() -> [SourceReport.Size] {
        sizes.map { SourceReport.Size(width: $0.key.width, height: $0.key.height, count: $0.value.count) }
            .sorted { ($1.count, $0.width, $0.height) < ($0.count, $1.width, $1.height) }
    }

    /// Pictures of unusual size.
    ///
    /// If at least 90 % of the pictures have one size, these are all others. Otherwise they are pictures whose
    /// shorter side is less than a quarter of the median, or whose longer side exceeds three times the shorter.
    func oddSizes(names: [String]) -> [SourceReport.OddSize] {
        let total = sizes.values.reduce(0) { $0 + $1.count }
        guard total > 1 else { return [] }
        let isOdd: (Side) -> Bool
        if let common = sizes.first(where: { $0.value.count * 10 >= total * 9 })?.key {
            isOdd = { $0 != common }
        } else {
            let shorter = sizes.flatMap { side, owners in
                repeatElement(min(side.width, side.height), count: owners.count)
            }.sorted()
            let typical = shorter[shorter.count / 2]
            isOdd = { side in
                let (short, long) = (min(side.width, side.height), max(side.width, side.height))
                return short * 4 < typical || long > short * 3
            }
        }
        return sizes.filter { isOdd($0.key) }
            .flatMap { side, owners in owners.map { (index: $0, side: side) } }
            .sorted { $0.index < $1.index }
            .map { SourceReport.OddSize(name: names[$0.index], width: $0.side.width, height: $0.side.height) }
    }
}
