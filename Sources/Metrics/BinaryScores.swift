import Torch

/// Accuracy of attribute logits against labels.
public struct BinaryScores: Sendable, Equatable {
    /// Scores of one attribute.
    public struct Attribute: Sendable, Equatable {
        /// Fraction of correct predictions, 0...1.
        public let accuracy: Estimate
        /// Mean of the true positive and true negative rates, 0...1; random predictions score 0.5.
        public let balancedAccuracy: Estimate
        /// Number of pictures with a positive label.
        public let positives: Int
    }

    /// Scores in the order of the logits.
    public let attributes: [Attribute]
    /// Number of pictures.
    public let count: Int

    /// Mean accuracy over attributes, 0...1.
    public var meanAccuracy: Double { mean(\.accuracy) }
    /// Mean balanced accuracy over attributes, 0...1.
    public var meanBalancedAccuracy: Double { mean(\.balancedAccuracy) }

    private func mean(_ score: KeyPath<Attribute, Estimate>) -> Double {
        attributes.reduce(0) { $0 + $1[keyPath: score].value } / Double(attributes.count)
    }

    /// Compares predictions with labels.
    /// - Parameters:
    ///   - logits: [N, A] for A attributes; positive above 0.
    ///   - labels: [N, A]; positive above 0, so both 0 and 1 and -1 and 1 are supported.
    public init(logits: Tensor, labels: Tensor) {
        precondition(
            logits.rank == 2 && logits.shape == labels.shape && logits.shape[0] > 0,
            "BinaryScores: expected logits and labels [N, A], got \(logits.summary) and \(labels.summary)")
        let predicted = logits.greater(than: 0).to(.int64)
        let actual = labels.to(logits.device).greater(than: 0).to(.int64)
        func sums(_ counts: Tensor) -> [Int] { counts.sum([0]).integers() }
        let (both, predictions, labeled) = (sums(predicted * actual), sums(predicted), sums(actual))
        let count = logits.shape[0]
        self.count = count
        attributes = labeled.indices.map { index in
            let (truePositives, positives) = (both[index], labeled[index])
            let negatives = count - positives
            let trueNegatives = negatives - (predictions[index] - truePositives)
            return Attribute(
                accuracy: Estimate(proportion: truePositives + trueNegatives, of: count),
                balancedAccuracy: Self.balanced((truePositives, positives), (trueNegatives, negatives)),
                positives: positives)
        }
    }

    /// Mean of the two rates with its interval; the only rate if all labels are equal.
    private static func balanced(
        _ positive: (correct: Int, all: Int), _ negative: (correct: Int, all: Int)
    ) -> Estimate {
        if positive.all == 0 || negative.all == 0 {
            let present = positive.all == 0 ? negative : positive
            return Estimate(
                proportion: present.correct, of: present.all,
                notes: ["all labels are equal: the balanced accuracy is the accuracy"])
        }
        let a = Estimate(proportion: positive.correct, of: positive.all)
        let b = Estimate(proportion: negative.correct, of: negative.all)
        let value = (a.value + b.value) / 2
        guard let x = a.interval, let y = b.interval else { return Estimate(value: value) }
        let bounds = Estimate.combinedInterval(
            value, ((x.lowerBound + b.value) / 2)...((x.upperBound + b.value) / 2),
            ((a.value + y.lowerBound) / 2)...((a.value + y.upperBound) / 2))
        return Estimate(value: value, interval: bounds)
    }
}

/// Frequencies of attributes in two sets of pictures, from the logits of a classifier.
public struct AttributeFrequencies: Sendable, Equatable {
    /// Frequencies of one attribute.
    public struct Attribute: Sendable, Equatable {
        /// Fraction of the reference pictures with the attribute, 0...1.
        public let reference: Estimate
        /// Fraction of the evaluated pictures with the attribute, 0...1.
        public let evaluated: Estimate
        /// Evaluated minus reference, -1...1.
        public let difference: Estimate
    }

    /// Frequencies in the order of the logits.
    public let attributes: [Attribute]

    /// Mean absolute difference over attributes, 0...1. Sampling noise makes it positive for equal distributions.
    public var meanDifference: Double {
        attributes.reduce(0) { $0 + abs($1.difference.value) } / Double(attributes.count)
    }

    /// Compares two sets.
    /// - Parameters:
    ///   - evaluated: logits [N, A] of the evaluated pictures; an attribute is present above 0.
    ///   - reference: logits [M, A] of the reference pictures.
    public init(evaluated: Tensor, reference: Tensor) {
        precondition(
            evaluated.rank == 2 && reference.rank == 2 && evaluated.shape[1] == reference.shape[1],
            "AttributeFrequencies: expected [N, A] and [M, A], got \(evaluated.summary) and \(reference.summary)"
        )
        func positives(_ logits: Tensor) -> [Int] { logits.greater(than: 0).sum([0]).integers() }
        attributes = zip(positives(evaluated), positives(reference)).map { ours, theirs in
            let frequency = Estimate(proportion: ours, of: evaluated.shape[0])
            let expected = Estimate(proportion: theirs, of: reference.shape[0])
            return Attribute(
                reference: expected, evaluated: frequency, difference: Self.difference(frequency, expected))
        }
    }

    /// Difference of two independent proportions with Newcombe's interval (1998, method 10).
    private static func difference(_ a: Estimate, _ b: Estimate) -> Estimate {
        let value = a.value - b.value
        guard let x = a.interval, let y = b.interval else { return Estimate(value: value) }
        let bounds = Estimate.combinedInterval(
            value, (x.lowerBound - b.value)...(x.upperBound - b.value),
            (a.value - y.upperBound)...(a.value - y.lowerBound))
        return Estimate(value: value, interval: bounds)
    }
}
