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
