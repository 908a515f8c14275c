import Metrics
import Settings

/// One measure that can be asked for by name: what is compared, and on whose features.
public struct Metric: Hashable, Sendable, CustomStringConvertible {
    /// What is compared.
    public enum Kind: String, Sendable, CaseIterable {
        /// Fréchet distance of the features' normal distributions.
        case frechet = "fd"
        /// Kernel distance: the unbiased squared MMD with a cubic kernel.
        case kernel = "kd"
        /// Precision and recall.
        case precisionRecall = "pr"
        /// Density and coverage.
        case densityCoverage = "dc"
        /// Mean distance of random pairs among the judged pictures.
        case diversity
        /// Nearest pictures of the reference, and how many are suspiciously near.
        case nearest
        /// Inception score.
        case inceptionScore = "is"
        /// Sliced Wasserstein distance of patches of pixels.
        case slicedWasserstein = "swd"
        /// Shares of attributes.
        case attributes
        /// How often a face network is right about photographs with labels.
        case accuracy
        /// Perceptual path length of a model.
        case pathLength = "ppl"
    }

    public let kind: Kind
    /// Whose features; nil where the pixels speak for themselves.
    public let network: String?

    public init(_ kind: Kind, on network: String? = nil) { (self.kind, self.network) = (kind, network) }

    /// Names that the field has for a measure on one network.
    private static let known: [String: Metric] = [
        "fid": Metric(.frechet, on: "inception"), "kid": Metric(.kernel, on: "inception"),
        "is": Metric(.inceptionScore, on: "inception"), "swd": Metric(.slicedWasserstein),
        "attributes": Metric(.attributes, on: "face"), "ppl": Metric(.pathLength),
        "accuracy": Metric(.accuracy, on: "face"),
    ]
    private static let onFeatures: [Kind] = [
        .frechet, .kernel, .precisionRecall, .densityCoverage, .diversity, .nearest, .pathLength,
    ]

    /// Reads `fid`, `kid`, `is`, `swd`, `ppl`, `attributes`, `accuracy`, or a measure and a network such as `fd-face` or `pr-inception`.
    /// - Throws: `EvaluationError` with what there is.
    public static func parse(_ name: String, networks: [String]) throws -> Metric {
        if let known = known[name] { return known }
        let parts = name.split(separator: "-", maxSplits: 1).map(String.init)
        if parts.count == 2, let kind = Kind(rawValue: parts[0]), onFeatures.contains(kind),
            networks.contains(parts[1])
        {
            return Metric(kind, on: parts[1])
        }
        let all =
            known.keys.sorted() + onFeatures.flatMap { kind in networks.map { "\(kind.rawValue)-\($0)" } }
        let hint = Suggestion.closest(to: name, in: all).map { " Did you mean `\($0)`?" } ?? ""
        throw EvaluationError(
            "\(name): no such metric.\(hint) There are \(known.keys.sorted().joined(separator: ", ")), and"
                + " \(onFeatures.map(\.rawValue).joined(separator: "-, "))- with one of the networks"
                + " \(networks.joined(separator: ", ")), such as fd-face.")
    }

    public var description: String {
        if let name = Self.known.first(where: { $0.value == self })?.key { return name }
        return kind.rawValue + (network.map { "-" + $0 } ?? "")
    }

    /// Whether it compares with other pictures.
    public var needsReference: Bool {
        switch kind {
        case .diversity, .inceptionScore, .attributes, .accuracy, .pathLength: false
        default: true
        }
    }
}

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
