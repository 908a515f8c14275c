/// Where a picture that a model made comes from: what is written into its file.
public struct Origin: Sendable, Equatable {
    /// IPTC's digital source types for what networks make (https://cv.iptc.org/newscodes/digitalsourcetype/).
    public enum Source: String, Sendable, CaseIterable {
        /// Made by a model alone.
        case trainedAlgorithmicMedia
        /// A photograph changed by a model, or both side by side.
        case compositeWithTrainedAlgorithmicMedia
    }

    /// One more thing worth knowing, such as the seed.
    public struct Field: Sendable, Equatable {
        /// A letter, then letters, digits, "-" or "_".
        public let name: String
        public let value: String
    }

    /// Name and version of this program.
    public static let program = "FaceGAN 0.1"

    public let source: Source
    /// Program and version.
    public let software: String
    /// Name or SHA-256 of the model.
    public let model: String
    /// In the order in which they are written.
    public let fields: [Field]

    /// - Parameters:
    ///   - software: program and version, such as "FaceGAN 1.0".
    ///   - model: name or SHA-256 of the model.
    ///   - fields: more, such as `[("seed", "17")]`; names of a letter, then letters, digits, "-" or "_", each
    ///     once, and neither "model" nor "software".
    ///   - source: whether a photograph went in.
    public init(
        software: String, model: String, fields: [(name: String, value: String)] = [],
        source: Source = .trainedAlgorithmicMedia
    ) {
        self.source = source
        self.software = software
        self.model = model
        self.fields = fields.map { Field(name: $0.name, value: $0.value) }
        var seen: Set<String> = ["model", "software"]
        for field in self.fields {
            precondition(
                Self.isName(field.name) && seen.insert(field.name).inserted,
                "\"\(field.name)\" is no name for a field, or stands for another one")
        }
    }

    /// The value of a field.
    public subscript(name: String) -> String? { fields.first { $0.name == name }?.value }

    static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, Self.isLetter(first) else { return false }
        return text.utf8.allSatisfy { isLetter($0) || (48...57).contains($0) || $0 == 45 || $0 == 95 }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (65...90).contains(byte) || (97...122).contains(byte)
    }
}

extension Origin: CustomStringConvertible {
    /// One line of everything, for formats that take a comment and for people.
    public var description: String {
        let said = [("software", software), ("model", model)] + fields.map { ($0.name, $0.value) }
        return source.rawValue + ": "
            + said.filter { !$0.1.isEmpty }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    }
}
