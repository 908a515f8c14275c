import Torch

/// How well logits of attributes agree with labels.
public struct BinaryScores: Sendable, Equatable {
    /// One attribute.
    public struct Attribute: Sendable, Equatable {
        /// Share of right answers.
        public let accuracy: Estimate
        /// Mean of the shares of right answers among pictures with it and without it; guessing gives 0.5.
        public let balancedAccuracy: Estimate
        /// Pictures whose label is positive.
        public let positives: Int
    }

    /// In the order of the logits.
    public let attributes: [Attribute]
    /// Pictures.
    public let count: Int

    /// Mean over attributes.
    public var meanAccuracy: Double { mean(\.accuracy) }
    /// Mean over attributes.
    public var meanBalancedAccuracy: Double { mean(\.balancedAccuracy) }

    private func mean(_ score: KeyPath<Attribute, Estimate>) -> Double {
        attributes.reduce(0) { $0 + $1[keyPath: score].value } / Double(attributes.count)
    }

    /// Compares logits [N, attributes] with labels of the same shape; both are positive above 0, so that labels may be
    /// 0 and 1 or -1 and 1.
    public init(logits: Tensor, labels: Tensor) {
        precondition(
            logits.rank == 2 && logits.shape == labels.shape && logits.shape[0] > 0,
            "BinaryScores: expected [N, A] twice, got \(logits.summary) and \(labels.summary)")
        let said = logits.greater(than: 0).to(.int64)
        let given = labels.to(logits.device).greater(than: 0).to(.int64)
        func sums(_ counts: Tensor) -> [Int] { counts.sum([0]).integers() }
        let (hits, claims, truths) = (sums(said * given), sums(said), sums(given))
        let count = logits.shape[0]
        self.count = count
        attributes = truths.indices.map { index in
            let (hit, positives) = (hits[index], truths[index])
            let negatives = count - positives
            let rejected = negatives - (claims[index] - hit)
            return Attribute(
                accuracy: Estimate(share: hit + rejected, of: count),
                balancedAccuracy: Self.balanced((hit, positives), (rejected, negatives)),
                positives: positives)
        }
    }

    private static func balanced(
        _ with: (right: Int, all: Int), _ without: (right: Int, all: Int)
    ) -> Estimate {
        if with.all == 0 || without.all == 0 {
            let present = with.all == 0 ? without : with
            return Estimate(
                share: present.right, of: present.all, notes: ["all labels are equal: nothing to balance"])
        }
        let a = Estimate(share: with.right, of: with.all)
        let b = Estimate(share: without.right, of: without.all)
        let value = (a.value + b.value) / 2
        guard let x = a.interval, let y = b.interval else { return Estimate(value: value) }
        let bounds = Estimate.joined(
            value, ((x.lowerBound + b.value) / 2)...((x.upperBound + b.value) / 2),
            ((a.value + y.lowerBound) / 2)...((a.value + y.upperBound) / 2))
        return Estimate(value: value, interval: bounds)
    }
}

/// How often each attribute shows in two sets, as a classifier sees it.
public struct AttributeShares: Sendable, Equatable {
    /// One attribute.
    public struct Attribute: Sendable, Equatable {
        /// Share of the reference's pictures that show it.
        public let reference: Estimate
        /// Share of the judged pictures that show it.
        public let judged: Estimate
        /// The judged share less the reference's.
        public let difference: Estimate
    }

    /// In the order of the logits.
    public let attributes: [Attribute]

    /// Mean size of the differences over attributes; even equal sets are above zero.
    public var meanDifference: Double {
        attributes.reduce(0) { $0 + abs($1.difference.value) } / Double(attributes.count)
    }

    /// Compares logits [N, attributes] with the reference's [M, attributes]; above 0 an attribute shows.
    public init(judged: Tensor, reference: Tensor) {
        precondition(
            judged.rank == 2 && reference.rank == 2 && judged.shape[1] == reference.shape[1],
            "AttributeShares: expected [N, A] and [M, A], got \(judged.summary) and \(reference.summary)")
        func positives(_ logits: Tensor) -> [Int] { logits.greater(than: 0).sum([0]).integers() }
        attributes = zip(positives(judged), positives(reference)).map { made, real in
            let theirs = Estimate(share: real, of: reference.shape[0])
            let ours = Estimate(share: made, of: judged.shape[0])
            return Attribute(
                reference: theirs, judged: ours, difference: Self.difference(ours, theirs))
        }
    }

    /// The difference of two independent shares, with Newcombe's interval (1998, method 10).
    private static func difference(_ a: Estimate, _ b: Estimate) -> Estimate {
        let value = a.value - b.value
        guard let x = a.interval, let y = b.interval else { return Estimate(value: value) }
        let bounds = Estimate.joined(
            value, (x.lowerBound - b.value)...(x.upperBound - b.value),
            (a.value - y.upperBound)...(a.value - y.lowerBound))
        return Estimate(value: value, interval: bounds)
    }
}
