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
