import Torch

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
