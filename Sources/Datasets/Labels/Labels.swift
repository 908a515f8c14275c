/// Official split of a data set.
public enum DataSplit: String, Sendable, CaseIterable {
    /// Training.
    case train
    /// Validation.
    case validation
    /// Test.
    case test

    /// Code of pictures whose split is unknown.
    public static let unknownCode: UInt8 = 255

    /// Code in the partition file of CelebA and in packed stores: 0, 1 or 2.
    public var code: UInt8 {
        switch self {
        case .train: 0
        case .validation: 1
        case .test: 2
        }
    }

    /// Split of a code; nil for other codes, such as `unknownCode`.
    public init?(code: UInt8) {
        guard let split = Self.allCases.first(where: { $0.code == code }) else { return nil }
        self = split
    }
}

/// Labels of the pictures of a source or store, one row per picture. An empty array means that this kind of label is
/// unknown.
public struct Labels: Sendable, Equatable {
    /// The number of pictures.
    public let count: Int
    /// Names of the columns of `attributes`; 40 for CelebA.
    public var attributeNames: [String] = []
    /// Attributes, [count, attributeNames.count] in rows: 1 present, -1 absent, 0 unknown.
    public var attributes: [Int8] = []
    /// Numbers of the persons, [count]; -1 unknown.
    public var identities: [Int32] = []
    /// Names of the persons, indexed by `identities`; empty if the source has none.
    public var identityNames: [String] = []
    /// Codes of `DataSplit`, [count].
    public var splits: [UInt8] = []
    /// Landmarks, [count, 5, 2]: left eye, right eye, nose, left and right corner of the mouth (as the viewer sees
    /// them), x then y, in pixels of the picture; NaN unknown.
    public var landmarks: [Float] = []
    /// Classes of a `dataset.json`, [count]; -1 unknown.
    public var classes: [Int32] = []
    /// Label vectors of a `dataset.json`, [count, vectorWidth]; NaN unknown.
    public var vectors: [Float] = []
    /// The number of values per label vector.
    public var vectorWidth = 0

    /// Creates labels for `count` pictures without any known label.
    public init(count: Int) {
        precondition(count >= 0, "Labels: expected a count of 0 or more, got \(count)")
        self.count = count
    }

    /// The number of landmark coordinates per picture.
    package static let landmarkWidth = 10

    /// Whether no label of any kind is known.
    public var isEmpty: Bool {
        attributes.isEmpty && identities.isEmpty && splits.isEmpty && landmarks.isEmpty && classes.isEmpty
            && vectors.isEmpty
    }

    /// Returns the rows of the given pictures, in the given order.
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

    /// Returns some columns of `attributes` for the given pictures, in rows: 1, -1 or 0 (unknown).
    public func values(of indices: some Sequence<Int>, columns: [Int]) -> [Float] {
        let width = attributeNames.count
        return indices.flatMap { index in columns.map { Float(attributes[index * width + $0]) } }
    }

    /// Returns the value of a named attribute for a picture: 1, -1 or 0 (unknown); nil if the attribute does not
    /// exist.
    public func attribute(_ name: String, of index: Int) -> Int8? {
        guard let column = attributeNames.firstIndex(of: name), !attributes.isEmpty else { return nil }
        return attributes[index * attributeNames.count + column]
    }

    /// Returns the split of a picture; nil if unknown.
    public func split(of index: Int) -> DataSplit? {
        splits.isEmpty ? nil : DataSplit(code: splits[index])
    }

    /// The number of different known persons.
    public var identityCount: Int {
        Set(identities.lazy.filter { $0 >= 0 }).count
    }
}

extension Labels {
    /// Maps the landmarks from the original pictures to the samples of a protocol.
    /// - Parameters:
    ///   - data: the protocol of the samples.
    ///   - sizes: sizes of the original pictures, one per row.
    ///   - frame: side of the square in which the landmarks are given, in pixels; nil if they are in pixels of the
    ///     picture.
    /// - Throws: `DataError` if a picture is smaller than the crop.
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

/// A mismatch between pictures and labels.
public struct LabelIssue: Sendable, Equatable, CustomStringConvertible {
    /// The kind of a mismatch. The raw value is the text in reports.
    public enum Kind: String, Sendable, CaseIterable {
        /// A row that cannot be parsed.
        case malformedRow = "malformed row"
        /// A second row for the same picture.
        case duplicateRow = "duplicate row"
        /// A stated number of rows that differs from the actual number.
        case countMismatch = "row count"
        /// A picture without a row in the label file.
        case missingRow = "picture without row"
        /// A row without a picture.
        case missingPicture = "row without picture"
        /// A row without folders whose file name several pictures have.
        case sharedRow = "row of several pictures"
    }

    /// The kind of the mismatch.
    public let kind: Kind
    /// Name of the label file.
    public let file: String
    /// Name of the picture, or the line of the file.
    public let subject: String
    /// Details; empty if the kind says everything.
    public let detail: String

    /// File, subject, kind and details in one line.
    public var description: String {
        "\(file): \(subject): \(kind.rawValue)" + (detail.isEmpty ? "" : ": " + detail)
    }
}
