/// Everything that `SourceDoctor` found in a source.
public struct SourceReport: Sendable, Codable {
    public struct Bad: Sendable, Codable, Equatable {
        public let name: String
        public let kind: PictureProblem.Kind
        public let reason: String
    }

    /// Pictures that show the same; the first one is the one to keep.
    public struct Group: Sendable, Codable, Equatable {
        public let names: [String]
        /// The largest difference to the first one, in gray levels of a 16x16 thumbnail; 0 for identical files.
        public let difference: Float
        /// Whether one of them is a mirror image.
        public let isMirrored: Bool
    }

    public struct Size: Sendable, Codable, Equatable {
        public let width: Int
        public let height: Int
        public let count: Int
    }

    public struct OddSize: Sendable, Codable, Equatable {
        public let name: String
        public let width: Int
        public let height: Int
    }

    public struct Labels: Sendable, Codable, Equatable {
        public var attributes = 0
        public var identities = 0
        public var classes = 0
        /// Pictures with a known part, by the part's name.
        public var splits: [String: Int] = [:]
        /// One text a problem.
        public var issues: [String] = []
        /// How many problems there are of each kind.
        public var counts: [String: Int] = [:]
    }

    public internal(set) var source: String
    public internal(set) var kind: SourceKind
    /// How many pictures were looked at.
    public internal(set) var pictureCount: Int
    /// What is wrong with the archive or store as a whole.
    public internal(set) var damage: String?
    public internal(set) var bad: [Bad] = []
    /// Names by warning.
    public internal(set) var warnings: [String: [String]] = [:]
    public internal(set) var exactDuplicates: [Group] = []
    public internal(set) var nearDuplicates: [Group] = []
    /// Every size, the most common one first.
    public internal(set) var sizes: [Size] = []
    public internal(set) var oddSizes: [OddSize] = []
    public internal(set) var labels = Labels()
    public internal(set) var seconds: Double = 0

    /// Whether every picture can be used.
    public var isHealthy: Bool { bad.isEmpty && damage == nil }

    init(source: String, kind: SourceKind, pictureCount: Int) {
        self.source = source
        self.kind = kind
        self.pictureCount = pictureCount
    }
}

/// Gathers what the single pictures showed.
struct Tally {
    private struct Side: Hashable {
        let width: Int
        let height: Int
    }

    private(set) var warnings: [PictureWarning: [Int]] = [:]
    private var byDigest: [String: [Int]] = [:]
    private var sizes: [Side: [Int]] = [:]
    /// Of pictures that are no copies of earlier ones.
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

    /// Files with the same bytes.
    func exactGroups(names: [String]) -> [SourceReport.Group] {
        byDigest.values.filter { $0.count > 1 }.sorted { $0[0] < $1[0] }.map { group in
            SourceReport.Group(names: group.map { names[$0] }, difference: 0, isMirrored: false)
        }
    }

    /// Different files that show the same. A picture that is near to several goes to the first of them.
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

    func sizeTable() -> [SourceReport.Size] {
        sizes.map { SourceReport.Size(width: $0.key.width, height: $0.key.height, count: $0.value.count) }
            .sorted { ($1.count, $0.width, $0.height) < ($0.count, $1.width, $1.height) }
    }

    /// Where nearly all pictures have one size: those that have another. Else: those that are much smaller than most, or
    /// far from square.
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
