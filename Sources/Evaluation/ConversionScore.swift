import Metrics
import Models
import Torch
import TorchNN

/// How well a converter changes attributes of photographs, by a face network that had no part in its training.
public struct ConversionScore: Sendable, Equatable {
    /// One attribute's change into what photographs are not.
    public struct Line: Sendable, Equatable {
        public let name: String
        /// Of which photographs, such as "Male"; nil for all.
        public let group: String?
        /// Share of pictures in which the judge finds what was asked for, 0...1.
        public let flips: Double
        /// The same of those alone whose photograph the judge itself told apart rightly.
        public let flipsOfSeen: Double
        /// Share of the group's photographs that truly are what was asked for in which the judge finds it, as often each way
        /// as it was asked: what a perfect change would reach. nil where there is no such photograph.
        public let foundInReal: Double?
        /// Share of the judge's other answers that changed.
        public let leakage: Double
        /// Cosine of the faces' features before and after, by the judge's own or MobileFaceNet's embedding.
        public let likeness: Double
        public let count: Int
    }

    /// Sums over photographs whose own value is known, in the order of `values`.
    private struct Sums {
        static let count = 8
        var flipped = 0.0, flippedOfSeen = 0.0, present = 0.0, absent = 0.0
        var seenPresent = 0.0, seenAbsent = 0.0, moved = 0.0, alike = 0.0

        var known: Double { present + absent }

        mutating func add(_ found: [Double]) {
            flipped += found[0]
            flippedOfSeen += found[1]
            present += found[2]
            absent += found[3]
            seenPresent += found[4]
            seenAbsent += found[5]
            moved += found[6]
            alike += found[7]
        }

        func line(_ name: String, _ group: String?) -> Line? {
            guard known > 0 else { return nil }
            // Where it is absent, it was asked for.
            let come = absent > 0 ? absent * seenPresent / present : 0
            let go = present > 0 ? present * seenAbsent / absent : 0
            return Line(
                name: name, group: group, flips: flipped / known,
                flipsOfSeen: flippedOfSeen / max(1, seenPresent + seenAbsent),
                foundInReal: (come + go).isFinite ? (come + go) / known : nil, leakage: moved / known,
                likeness: alike / known, count: Int(known))
        }
    }

    public let lines: [Line]
    /// PSNR of photographs that nothing was to change, in dB.
    public let unchangedPSNR: Double
    /// What `likeness` is measured by.
    public let likenessOf: String

    private static let batchSize = 32

    /// Asks for each attribute's other value in each photograph whose own value is known.
    /// - Parameters:
    ///   - attributes: names of the converter's changes.
    ///   - group: an attribute of photographs by whose value lines are divided, and its labels [N].
    ///   - count: photographs.
    ///   - pictures: photographs of a range, [N, 3, side, side] in -1...1, and their labels [N, K].
    /// - Throws: `CheckpointError` for a judge that is not there; what `pictures` throws.
    public init(
        _ converter: AttributeConverter, attributes: [String], intensity: Double = 1,
        by group: (name: String, labels: (Range<Int>) -> Tensor)? = nil, count: Int,
        pictures: (Range<Int>) throws -> (Tensor, Tensor)
    ) throws {
        let device = converter.device
        let judge = try FeatureExtractors.load("face", device: device)
        let embedding =
            FeatureExtractors.isHere("mobilefacenet")
            ? try FeatureExtractors.load("mobilefacenet", device: device) : judge
        likenessOf = embedding.name
        let answers = judge.answers
        let changes = AttributeChanges(attributes, on: device)
        let groups = group.map { [$0.name, "not \($0.name)"] } ?? [nil]
        var sums = attributes.map { _ in groups.map { _ in Sums() } }
        var noise: [Double] = []
        let wasTraining = converter.isTraining
        converter.train(false)
        defer { converter.train(wasTraining) }
        try withoutGradients {
            for start in stride(from: 0, to: count, by: Self.batchSize) {
                let range = start..<min(count, start + Self.batchSize)
                let (images, labels) = try pictures(range)
                // [groups, N]
                let members =
                    group.map { group in
                        let (isMember, isNone) = AttributeChanges.sides(group.labels(range))
                        return Tensor.stacked([isMember, isNone])
                    } ?? Tensor.ones([1, range.count]).to(device)
                let none = Tensor.zeros(like: labels)
                noise += PairDistances.psnr(converter(images, changes: none).to(.float32), images).doubles()
                let earlier = judge(images)
                let person = embedding(images).features
                for (column, name) in attributes.enumerated() {
                    let own = labels.select(1, column)
                    let wished = changes.turned(labels, column: column)
                    let made = converter(
                        images, changes: AttributeChanges.between(labels, wished) * intensity
                    ).to(.float32)
                    let later = judge(made)
                    let cosines = PairMeasure.cosine(person, embedding(made).features)
                    guard let answer = answers.firstIndex(of: name), let before = earlier.logits,
                        let after = later.logits
                    else { continue }
                    // What ends with the attribute's coming was asked for, too.
                    let kept = answers.indices.filter {
                        $0 != answer && !AttributeChanges.excludes(name, answers[$0])
                    }
                    let (present, absent) = AttributeChanges.sides(own)
                    let known = own.abs()
                    let flipped = (after.select(1, answer) * own).less(than: 0).to(.float32)
                    let seen = (before.select(1, answer) * own).greater(than: 0).to(.float32)
                    let moved = (before * after).less(than: 0).to(.float32)
                    let others = moved.indexSelect(1, Tensor(kept, shape: [kept.count]).to(device)).mean([1])
                    let values = Tensor.stacked([
                        flipped, flipped * seen, present, absent, seen * present, seen * absent,
                        others * known, cosines * known,
                    ])
                    let found = members.matmul(values.transposed(0, 1)).doubles()
                    for index in groups.indices {
                        sums[column][index].add(Array(found[(index * Sums.count)...].prefix(Sums.count)))
                    }
                }
            }
        }
        // What the judge cannot tell, or no photograph's label says, is left out.
        lines = zip(attributes, sums).flatMap { name, sums in
            zip(groups, sums).compactMap { group, sums in sums.line(name, group) }
        }
        let finite = noise.filter(\.isFinite)
        unchangedPSNR = finite.reduce(0, +) / Double(max(1, finite.count))
    }
}
