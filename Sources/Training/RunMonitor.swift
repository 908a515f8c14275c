import Console
import Provenance

/// Previews and scores of a run.
public protocol RunMonitor {
    /// A grid of pictures of the current state; nil if there are none.
    func preview() -> SyntheticImage?
    /// Scores of the current state on fixed pictures. The first one selects the best state.
    /// - Throws: `EvaluationError` or `TorchError` if the evaluation fails.
    func scores() throws -> [RunScore]
}

/// Score of a state of a run by one metric.
public struct RunScore: Sendable, Equatable {
    /// Key in the log and in a saved state.
    public let name: String
    /// Name in messages, with its unit.
    public let label: String
    /// Value of the metric.
    public let value: Double
    /// Standard error of the value.
    public let error: Double
    /// Values of parts, such as single attributes. The log appends their keys to `name`.
    public let parts: [(key: String, value: Double)]
    /// Whether lower values are better.
    public let isLowerBetter: Bool

    /// Creates a score.
    public init(
        name: String, label: String, value: Double, error: Double, parts: [(key: String, value: Double)] = [],
        isLowerBetter: Bool = true
    ) {
        (self.name, self.label, self.value, self.error) = (name, label, value, error)
        (self.parts, self.isLowerBetter) = (parts, isLowerBetter)
    }

    /// Whether this score is better than an earlier value of the same metric; true for nil.
    public func isBetter(than other: Double?) -> Bool {
        other.map { isLowerBetter ? value < $0 : value > $0 } ?? true
    }

    /// Compares name, value, error and parts.
    public static func == (a: RunScore, b: RunScore) -> Bool {
        a.name == b.name && a.value == b.value && a.error == b.error
            && a.parts.elementsEqual(b.parts) { $0 == $1 }
    }
}

/// Best score of a run so far, as stored in a saved state.
public struct BestScore: Sendable, Equatable {
    /// Key of the metric in the log.
    public let name: String
    /// Value of the metric.
    public let value: Double
    /// Images seen at that time; nil in states of earlier versions.
    public let images: Int?

    /// Key in the facts of a saved state.
    static let fact = "bestScore"

    init(name: String, value: Double, images: Int?) {
        (self.name, self.value, self.images) = (name, value, images)
    }

    /// Parses `text`; nil if it has another format.
    init?(_ text: String) {
        let parts = text.split(separator: " ")
        guard (2...3).contains(parts.count), let value = Double(parts[1]) else { return nil }
        self.init(name: String(parts[0]), value: value, images: parts.count == 3 ? Int(parts[2]) : nil)
    }

    /// Text for a saved state: name, value and images.
    var text: String {
        ["\(name) \(value)", images.map { "\($0)" }].compactMap { $0 }.joined(separator: " ")
    }

    /// Text for messages, such as `fd-face 53.20 at 120.0 kimg`.
    public var summary: String {
        "\(name) \(Readable.fixed(value, 2))"
            + (images.map { " at \(Readable.fixed(Double($0) / 1000, 1)) kimg" } ?? "")
    }
}
