import Metrics

/// One line of a report: a number, how far it can be trusted, and everything that it depends on.
public struct Score: Sendable, Codable, Equatable {
    /// Such as `fd-face`.
    public let name: String
    /// As a reader knows it.
    public let label: String
    public let value: Double
    /// The 95 % interval; nil where it is not known.
    public let low: Double?
    public let high: Double?
    /// Estimate for infinitely many pictures; nil for measures that do not depend on their number.
    public let atInfinity: Double?
    /// Judged pictures that went in.
    public let judgedCount: Int
    /// Pictures of the reference that went in; nil without one.
    public let referenceCount: Int?
    /// Network and the beginning of the SHA-256 of its weights; `pixels` without one.
    public let features: String
    public let dtype: String
    /// Hash of the data protocol.
    public let protocolHash: String
    /// nil where nothing is better.
    public let isLowerBetter: Bool?
    public let notes: [String]

    public init(
        _ name: String, _ label: String, _ estimate: Estimate, judgedCount: Int, referenceCount: Int? = nil,
        features: String, protocolHash: String, isLowerBetter: Bool?
    ) {
        (self.name, self.label, value) = (name, label, estimate.value)
        (low, high) = (estimate.interval?.lowerBound, estimate.interval?.upperBound)
        atInfinity = estimate.atInfinity
        (self.judgedCount, self.referenceCount) = (judgedCount, referenceCount)
        (self.features, self.protocolHash, dtype) = (features, protocolHash, "float32")
        (self.isLowerBetter, notes) = (isLowerBetter, estimate.notes)
    }
}
