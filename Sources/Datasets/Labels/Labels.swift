/// Official part of a data set.
public enum DataSplit: String, Sendable, CaseIterable {
    case train, validation, test

    /// Code of pictures whose part is unknown.
    public static let unknownCode: UInt8 = 255

    /// Code in CelebA's partition file and in packed stores: 0, 1 or 2.
    public var code: UInt8 {
        switch self {
        case .train: 0
        case .validation: 1
        case .test: 2
        }
    }

    /// nil for other codes, such as `unknownCode`.
    public init?(code: UInt8) {
        guard let split = Self.allCases.first(where: { $0.code == code }) else { return nil }
        self = split
    }
}

/// What is known about the pictures of a source or store, one row a picture. An empty array means: not known at all.
public struct Labels: Sendable, Equatable {
    /// How many pictures the rows are for.
    public let count: Int
    /// Names of the columns of `attributes`; CelebA's have 40.
    public var attributeNames: [String] = []
    /// [count, attributeNames.count], row by row: 1 has it, -1 has it not, 0 not known.
    public var attributes: [Int8] = []
    /// [count], the person's number; -1 not known.
    public var identities: [Int32] = []
    /// Names of the persons where the source has any; `identities` indexes them.
    public var identityNames: [String] = []
    /// [count], codes of `DataSplit`.
    public var splits: [UInt8] = []
    /// [count, 5, 2]: left eye, right eye, nose, left and right corner of the mouth (as the viewer sees them), x then y,
    /// in pixels of the picture; NaN not known.
    public var landmarks: [Float] = []
    /// [count], the class of a `dataset.json`; -1 not known.
    public var classes: [Int32] = []
    /// [count, vectorWidth], the label vectors of a `dataset.json`; NaN not known.
    public var vectors: [Float] = []
    public var vectorWidth = 0

    public init(count: Int) {
        precondition(count >= 0, "Labels: expected a count of 0 or more, got \(count)")
        self.count = count
    }

    /// The number of landmarks' coordinates a picture.
    package static let landmarkWidth = 10

    /// Whether anything is known.
    public var isEmpty: Bool {
        attributes.isEmpty && identities.isEmpty && splits.isEmpty && landmarks.isEmpty && classes.isEmpty
            && vectors.isEmpty
    }

    /// The rows of the given pictures, in the given order.
    public func rows(_ indices: [Int]) -> Labels {
        func pick<T>(_ values: [T], _ width: Int) -> [T] {
            guard !values.isEmpty else { return [] }
            var picked: [T] = []
            picked.reserveCapacity(indices.count * width)
            for i in indices { picked += values[(i * width)..<((i + 1) * width)] }
            return picked
        }
        var rows = Labels(count: indices.count)
        rows.attributeNames = attributeNames
        rows.attributes = pick(attributes, attributeNames.count)
        rows.identities = pick(identities, 1)
        rows.identityNames = identityNames
        rows.splits = pick(splits, 1)
        rows.landmarks = pick(landmarks, Labels.landmarkWidth)
        rows.classes = pick(classes, 1)
        rows.vectors = pick(vectors, vectorWidth)
        rows.vectorWidth = vectorWidth
        return rows
    }

    /// Some columns of `attributes` for the given pictures, row by row: 1, -1 or 0 (not known).
    public func values(of indices: some Sequence<Int>, columns: [Int]) -> [Float] {
        let width = attributeNames.count
        return indices.flatMap { index in columns.map { Float(attributes[index * width + $0]) } }
    }

    /// The value of a named attribute for a picture: 1, -1 or 0 (not known); nil if no such attribute exists.
    public func attribute(_ name: String, of index: Int) -> Int8? {
        guard let column = attributeNames.firstIndex(of: name), !attributes.isEmpty else { return nil }
        return attributes[index * attributeNames.count + column]
    }

    /// Part of a picture; nil if unknown.
    public func split(of index: Int) -> DataSplit? {
        splits.isEmpty ? nil : DataSplit(code: splits[index])
    }

    /// How many different persons are known.
    public var identityCount: Int {
        Set(identities.lazy.filter { $0 >= 0 }).count
    }
}

extension Labels {
    /// Moves the landmarks from the original pictures into the samples that a protocol makes of them.
    /// - Parameters:
    ///   - sizes: the original pictures' sizes, one a row.
    ///   - frame: the side of the square that the landmarks are given in; nil where it is the picture itself.
    mutating func mapLandmarks(by data: DataProtocol, sizes: [PictureSize], frame: Int?) throws {
        guard !landmarks.isEmpty else { return }
        for (row, size) in sizes.enumerated() {
            let scaleX = frame.map { Float(size.width) / Float($0) } ?? 1
            let scaleY = frame.map { Float(size.height) / Float($0) } ?? 1
            for point in 0..<(Labels.landmarkWidth / 2) {
                let at = row * Labels.landmarkWidth + 2 * point
                let mapped = try data.map(
                    x: landmarks[at] * scaleX, y: landmarks[at + 1] * scaleY, width: size.width,
                    height: size.height)
                landmarks[at] = mapped.x
                landmarks[at + 1] = mapped.y
            }
        }
    }
}

/// Something wrong between pictures and their labels.
public struct LabelIssue: Sendable, Equatable, CustomStringConvertible {
    public enum Kind: String, Sendable, CaseIterable {
        /// A row that cannot be read.
        case malformedRow = "malformed row"
        /// A second row for the same picture.
        case duplicateRow = "duplicate row"
        /// The file announces another number of rows than it has.
        case countMismatch = "row count"
        /// A picture that the label file does not mention.
        case missingRow = "picture without row"
        /// A row whose picture does not exist.
        case missingPicture = "row without picture"
    }

    public let kind: Kind
    /// The label file's name.
    public let file: String
    /// The picture's name, or the line.
    public let subject: String
    public let detail: String

    public var description: String {
        "\(file): \(subject): \(kind.rawValue)" + (detail.isEmpty ? "" : ": " + detail)
    }
}
