import Datasets
import Files
import Provenance

/// Pictures of a packed store, or a part of them, evenly chosen where fewer are wanted.
public struct StorePictures: PictureSet {
    public let title: String
    public let side: Int
    public let data: DataProtocol
    public let contentHash: String
    public let warnings: [String]
    public var isLasting: Bool { true }
    private let store: FaceStore
    let indices: [Int]

    /// - Parameters:
    ///   - part: nil for all.
    ///   - limit: at most so many, spread evenly over the store; nil for all.
    ///   - subset: only these of the store's samples.
    ///   - data: the protocol that the pictures follow, where the store's own only passes them on.
    ///   - warnings: what is known of the files beside their pixels.
    public init(
        _ store: FaceStore, title: String, part: Labels.Split? = nil, limit: Int? = nil,
        among subset: [Int]? = nil, data: DataProtocol? = nil, warnings: [String] = []
    ) {
        let all = subset ?? part.map { store.part($0) } ?? Array(0..<store.count)
        let count = min(limit ?? all.count, all.count)
        indices = (0..<count).map { all[$0 * all.count / count] }
        (self.store, side, self.data, self.warnings) = (store, store.size, data ?? store.data, warnings)
        self.title = title + (part.map { " (\($0))" } ?? "")
        let choice =
            indices == Array(0..<store.count) ? "all" : indices.map(String.init).joined(separator: " ")
        contentHash = Digest.sha256("\(store.contentHash) \(choice)")
    }

    public var count: Int { indices.count }

    public var attributes: (names: [String], values: [Int8])? {
        let labels = store.labels
        guard !labels.attributes.isEmpty else { return nil }
        return (labels.attributeNames, labels.rows(indices).attributes)
    }

    public func pixels(_ range: Range<Int>) -> [UInt8] { store.pixels(of: Array(indices[range])) }
}
