import Metrics
import Models
import Torch
import TorchNN

/// Scores of attribute changes in photographs, from a face network that is not used in training.
public struct ConversionScore: Sendable, Equatable {
    /// Scores of changes of one attribute to the opposite value.
    public struct Line: Sendable, Equatable {
        /// Name of the attribute.
        public let name: String
        /// Group of photographs, such as "Male"; nil for all photographs.
        public let group: String?
        /// Fraction of pictures in which the face network finds the requested value, 0...1.
        public let flips: Double
        /// The same, among photographs that the face network classifies correctly.
        public let flipsOfRecognized: Double
        /// Fraction of photographs that have the requested value in which the face network finds it, with both directions weighted
        /// as in the requests. This is the value of a perfect converter. nil if there is no such photograph.
        public let foundInPhotographs: Double?
        /// Fraction of the other attributes that changed.
        public let leakage: Double
        /// Mean cosine of the features of the face before and after the change.
        public let similarity: Double
        /// Number of photographs.
        public let count: Int
    }

    /// Sums over photographs whose value is known, in the order of `values`.
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
            // Photographs without the attribute get it, and vice versa.
            let come = absent > 0 ? absent * seenPresent / present : 0
            let go = present > 0 ? present * seenAbsent / absent : 0
            return Line(
                name: name, group: group, flips: flipped / known,
                flipsOfRecognized: flippedOfSeen / max(1, seenPresent + seenAbsent),
                foundInPhotographs: (come + go).isFinite ? (come + go) / known : nil, leakage: moved / known,
                similarity: alike / known, count: Int(known))
        }
    }

    /// One line for each attribute and group.
    public let lines: [Line]
    /// PSNR of photographs converted without a change, in dB.
    public let unchangedPSNR: Double
    /// Name of the network whose features `similarity` uses.
    public let similarityNetwork: String

    private static let batchSize = 32

    /// Changes each attribute to the opposite value in each photograph whose value is known.
    /// - Parameters:
    ///   - converter: the network.
    ///   - attributes: names of the attributes that the converter changes.
    ///   - intensity: intensity of the changes; 1 as in training.
    ///   - group: attribute that divides the photographs into two groups, and its labels [N].
    ///   - count: number of photographs.
    ///   - pictures: photographs of a range, [N, 3, side, side] in -1...1, and their labels [N, K].
    /// - Throws: `WeightsError`, `CheckpointError` and `FileError` for a face network that cannot be loaded; errors of `pictures`.
    public init(
        _ converter: AttributeConverter, attributes: [String], intensity: Double = 1,
        by group: (name: String, labels: (Range<Int>) -> Tensor)? = nil, count: Int,
        pictures: (Range<Int>) throws -> (Tensor, Tensor)
    ) throws {
        let device = converter.device
        let faceNetwork = try FeatureExtractors.load("face", device: device)
        let embedding =
            FeatureExtractors.isHere("mobilefacenet")
            ? try FeatureExtractors.load("mobilefacenet", device: device) : faceNetwork
        similarityNetwork = embedding.name
        let answers = faceNetwork.answers
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
                let earlier = faceNetwork(images)
                let person = embedding(images).features
                for (column, name) in attributes.enumerated() {
                    let own = labels.select(1, column)
                    let target = changes.turned(labels, column: column)
                    let made = converter(
                        images, changes: AttributeChanges.between(labels, target) * intensity
                    ).to(.float32)
                    let later = faceNetwork(made)
                    let cosines = PairMeasure.cosine(person, embedding(made).features)
                    guard let answer = answers.firstIndex(of: name), let before = earlier.logits,
                        let after = later.logits
                    else { continue }
                    // Attributes that the change excludes change with it.
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
        // Attributes that the face network does not know, or that no label has, are omitted.
        lines = zip(attributes, sums).flatMap { name, sums in
            zip(groups, sums).compactMap { group, sums in sums.line(name, group) }
        }
        let finite = noise.filter(\.isFinite)
        unchangedPSNR = finite.reduce(0, +) / Double(max(1, finite.count))
    }
}
