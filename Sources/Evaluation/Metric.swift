import Metrics
import Settings

/// Metric: a kind of comparison, and the network whose features it uses. Its description is its name, such as `fd-face`.
public struct Metric: Hashable, Sendable, CustomStringConvertible {
    /// Kind of comparison.
    public enum Kind: String, Sendable, CaseIterable {
        /// Fréchet distance of the features' normal distributions.
        case frechet = "fd"
        /// Kernel distance: unbiased squared MMD with a cubic kernel.
        case kernel = "kd"
        /// Precision and recall.
        case precisionRecall = "pr"
        /// Density and coverage.
        case densityCoverage = "dc"
        /// Mean distance of random pairs among the evaluated pictures.
        case diversity
        /// Nearest reference pictures, and the fraction of near copies.
        case nearest
        /// Inception score.
        case inceptionScore = "is"
        /// Sliced Wasserstein distance of patches of pixels.
        case slicedWasserstein = "swd"
        /// Frequencies of attributes.
        case attributes
        /// Agreement of a face network with labels.
        case accuracy
        /// Perceptual path length of a model.
        case pathLength = "ppl"
    }

    /// Kind of comparison.
    public let kind: Kind
    /// Feature network; nil for a metric on pixels.
    public let network: String?

    /// - Parameters:
    ///   - kind: kind of comparison.
    ///   - network: feature network; nil for a metric on pixels.
    public init(_ kind: Kind, on network: String? = nil) { (self.kind, self.network) = (kind, network) }

    /// Common names of metrics.
    private static let known: [String: Metric] = [
        "fid": Metric(.frechet, on: "inception"), "kid": Metric(.kernel, on: "inception"),
        "is": Metric(.inceptionScore, on: "inception"), "swd": Metric(.slicedWasserstein),
        "attributes": Metric(.attributes, on: "face"), "ppl": Metric(.pathLength),
        "accuracy": Metric(.accuracy, on: "face"),
    ]
    private static let onFeatures: [Kind] = [
        .frechet, .kernel, .precisionRecall, .densityCoverage, .diversity, .nearest, .pathLength,
    ]

    /// Metric of a name.
    /// - Parameters:
    ///   - name: `fid`, `kid`, `is`, `swd`, `ppl`, `attributes`, `accuracy`, or a kind and a network such as `fd-face` or
    ///     `pr-inception`.
    ///   - networks: names of feature networks.
    /// - Throws: `EvaluationError` for an unknown name, with the known ones.
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
            "\(name): no such metric.\(hint) Metrics: \(known.keys.sorted().joined(separator: ", ")), and"
                + " \(onFeatures.map(\.rawValue).joined(separator: "-, "))- with a network"
                + " \(networks.joined(separator: ", ")), such as fd-face.")
    }

    /// Name, such as `fid` or `fd-face`.
    public var description: String {
        if let name = Self.known.first(where: { $0.value == self })?.key { return name }
        return kind.rawValue + (network.map { "-" + $0 } ?? "")
    }

    /// Whether the metric requires reference pictures.
    public var needsReference: Bool {
        switch kind {
        case .diversity, .inceptionScore, .attributes, .accuracy, .pathLength: false
        default: true
        }
    }
}

extension Metric {
    /// Smallest numbers of pictures for which a metric is defined, and smallest width and height in pixels.
    struct Minimum {
        var evaluated = 1
        var reference = 1
        var side = 1
    }

    /// Smallest input for which the metric is defined. Useful values need thousands of pictures.
    var minimum: Minimum {
        switch kind {
        case .frechet: Minimum(evaluated: 2, reference: 2)
        case .kernel: Minimum(evaluated: 4, reference: 4)
        // More pictures than neighbors: 3 for precision and recall, 5 for density and coverage.
        case .precisionRecall, .densityCoverage: Minimum(evaluated: 6, reference: 6)
        case .diversity: Minimum(evaluated: 2)
        case .nearest: Minimum(reference: 2)
        // The score is a mean over ten parts.
        case .inceptionScore: Minimum(evaluated: 10)
        case .slicedWasserstein: Minimum(evaluated: 2, reference: 2, side: 8)
        case .attributes, .accuracy, .pathLength: Minimum()
        }
    }

    /// Reason why the metric is undefined for a number of pictures; nil if it is defined.
    /// - Parameters:
    ///   - evaluated: number of evaluated pictures.
    ///   - reference: number of reference pictures; nil without a reference.
    ///   - side: width and height of the pictures, in pixels.
    public func obstacle(evaluated: Int, reference: Int?, side: Int) -> String? {
        let least = minimum
        if evaluated < least.evaluated {
            return "\(self) requires \(least.evaluated) or more evaluated pictures, got \(evaluated)"
        }
        if let reference, reference < least.reference, needsReference || reference == 0 {
            return "\(self) requires \(least.reference) or more reference pictures, got \(reference)"
        }
        if side < least.side {
            return "\(self) requires pictures of \(least.side) or more pixels on each side, got \(side)"
        }
        return nil
    }
}

/// Score: a value with its interval, and everything that it depends on.
public struct Score: Sendable, Codable, Equatable {
    /// Name of the metric, such as `fd-face`.
    public let name: String
    /// Name for a reader.
    public let label: String
    /// Value of the metric.
    public let value: Double
    /// Lower end of the 95 % interval; nil if unknown.
    public let low: Double?
    /// Upper end of the 95 % interval; nil if unknown.
    public let high: Double?
    /// Extrapolation to infinitely many pictures; nil for metrics that do not depend on the number of pictures.
    public let atInfinity: Double?
    /// Number of evaluated pictures.
    public let evaluatedCount: Int
    /// Number of reference pictures; nil without a reference.
    public let referenceCount: Int?
    /// Feature network and the beginning of the SHA-256 of its weights; `pixels` without a network.
    public let features: String
    /// Precision of the features.
    public let dtype: String
    /// Hash of the data protocol.
    public let protocolHash: String
    /// Whether lower values are better; nil if neither direction is better.
    public let isLowerBetter: Bool?
    /// Remarks for a reader.
    public let notes: [String]

    private enum CodingKeys: String, CodingKey {
        case evaluatedCount = "judgedCount"
        case name, label, value, low, high, atInfinity, referenceCount, features, dtype, protocolHash
        case isLowerBetter, notes
    }

    /// - Parameters:
    ///   - name: name of the metric.
    ///   - label: name for a reader.
    ///   - estimate: value, interval and notes.
    ///   - evaluatedCount: number of evaluated pictures.
    ///   - referenceCount: number of reference pictures; nil without a reference.
    ///   - features: feature network, or `pixels`.
    ///   - protocolHash: hash of the data protocol.
    ///   - isLowerBetter: nil if neither direction is better.
    public init(
        _ name: String, _ label: String, _ estimate: Estimate, evaluatedCount: Int,
        referenceCount: Int? = nil,
        features: String, protocolHash: String, isLowerBetter: Bool?
    ) {
        (self.name, self.label, value) = (name, label, estimate.value)
        (low, high) = (estimate.interval?.lowerBound, estimate.interval?.upperBound)
        atInfinity = estimate.atInfinity
        (self.evaluatedCount, self.referenceCount) = (evaluatedCount, referenceCount)
        (self.features, self.protocolHash, dtype) = (features, protocolHash, "float32")
        (self.isLowerBetter, notes) = (isLowerBetter, estimate.notes)
    }
}
