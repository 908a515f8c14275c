import Datasets
import Imaging
import Provenance

/// Facts and statistics of a finished data set.
public struct FaceDatasetSummary: Sendable, Codable, Equatable {
    /// Frequency of an attribute, as fractions of the pictures.
    public struct Frequency: Sendable, Codable, Equatable {
        /// Name of the attribute.
        public let name: String
        /// Fraction of the generated pictures that have it, as the face network sees them.
        public let generated: Double
        /// Fraction of the photographs; nil without photographs.
        public let photographs: Double?
        /// Fraction of the pictures for which the face network agrees with the requested label; nil if it was not requested.
        public let agreement: Double?
    }

    /// Cosines of embeddings of the identity network.
    public struct Similarity: Sendable, Codable, Equatable {
        /// Number of pairs.
        public let pairs: Int
        /// Mean cosine.
        public let mean: Double
        /// 5 % and 95 % quantiles.
        public let low: Double, high: Double
    }

    /// Number of pictures.
    public let count: Int
    /// Number of persons.
    public let identities: Int
    /// Number of pictures of each part.
    public let splits: [String: Int]
    /// Number of examined candidates.
    public let examined: Int
    /// Number of rejected candidates by `RejectionReason`.
    public let rejected: [String: Int]
    /// Combinations of balanced attributes.
    public let cells: [BalanceCell]
    /// Frequencies of the attributes.
    public let frequencies: [Frequency]
    /// Number of pictures with a detected face; nil without a detector.
    public let detected: Int?
    /// Pairs of pictures of one person; nil without an identity network or with one picture of each person.
    public let sameIdentity: Similarity?
    /// Pairs of pictures of different persons; nil without an identity network.
    public let otherIdentity: Similarity?
    /// Equal error rate of both kinds of pairs, 0...0.5; nil if one is missing.
    public let equalErrorRate: Double?
    /// Scores against the photographs; empty without photographs.
    public let scores: [FaceDatasetScore]
    /// Distance of features below which a picture is a near copy of a photograph; nil without photographs.
    public let copyLimit: Double?
    /// Smallest distance of a picture to a photograph; nil without photographs.
    public let smallestDistance: Double?

    /// Fraction of the examined candidates that are in the data set.
    public var acceptance: Double { Double(count) / Double(max(1, examined)) }
}

/// Values that the charts show.
struct FaceDatasetHistograms: Sendable {
    /// Cosines of pairs of pictures.
    var same: [Double] = []
    var other: [Double] = []
    /// Distances to the nearest photograph.
    var distances: [Double] = []
    /// Confidences of the detector.
    var scores: [Double] = []
}

/// One pass over the records.
package struct FaceDatasetStatistics: Sendable {
    let summary: FaceDatasetSummary
    let histograms: FaceDatasetHistograms

    /// Largest number of pairs of each kind.
    private static let pairLimit = 10_000
    /// Largest number of pictures whose identities are compared.
    private static let sampleCount = 2000
    private static let stream: UInt64 = 0x1DE_717

    /// - Parameters:
    ///   - faces: accepted pictures.
    ///   - facts: facts about the data set.
    ///   - counts: counts of the selection.
    ///   - scores: computes scores of features.
    ///   - identities: computes embeddings of an identity network; an empty array without one.
    /// - Throws: `FileError`, `CancellationError`.
    init(
        _ faces: RecordedFaces, _ facts: DatasetFacts, counts: Selection.Counts,
        scores: (FeatureRows) async throws -> [FaceDatasetScore],
        identities: ([SyntheticImage]) async throws -> [[Float]]
    ) async throws {
        var present = [Int](repeating: 0, count: facts.attributes.count)
        let columns = facts.requested.map { facts.attributes.firstIndex(of: $0) }
        var (agreed, asked) = (present, present)
        var splits = Dictionary(uniqueKeysWithValues: facts.splits.map { ($0.rawValue, 0) })
        var histograms = FaceDatasetHistograms()
        var features = FeatureRows(width: faces.layout.features)
        var detected = 0
        for index in 0..<faces.count {
            if index % 1024 == 0 { try Task.checkCancellation() }
            let record = try faces.record(index)
            splits[record.split.rawValue, default: 0] += 1
            for (place, logit) in record.labels.logits.enumerated() where logit > 0 { present[place] += 1 }
            for (label, column) in zip(record.requested, columns) where label != 0 {
                guard let column else { continue }
                asked[column] += 1
                if (record.labels.logits[column] > 0) == (label > 0) { agreed[column] += 1 }
            }
            if let found = record.labels.detection {
                detected += 1
                histograms.scores.append(Double(found.score))
            }
            if let near = record.photograph { histograms.distances.append(near.distance) }
            if facts.reference != nil { features.values += record.labels.features }
        }
        let all = Double(max(1, faces.count))
        let frequencies = facts.attributes.indices.map { place in
            FaceDatasetSummary.Frequency(
                name: facts.attributes[place], generated: Double(present[place]) / all,
                photographs: facts.reference?.frequencies[place],
                agreement: asked[place] == 0 ? nil : Double(agreed[place]) / Double(asked[place]))
        }
        if facts.networks.identity != nil {
            let size = facts.plan.picturesPerIdentity
            let embeddings = try await Self.embeddings(faces, size, identities)
            func cosines(_ pairs: [(Int, Int)]) -> [Double] {
                pairs.map { Double(CosineIndex.cosine(embeddings[$0.0], embeddings[$0.1])) }
            }
            histograms.same = cosines(Self.pairsOfPersons(embeddings.count, size))
            histograms.other = cosines(
                Self.pairsAcross(embeddings.count, size, seed: facts.plan.firstSeed))
        }
        summary = FaceDatasetSummary(
            count: faces.count, identities: faces.count / facts.plan.picturesPerIdentity, splits: splits,
            examined: counts.examined, rejected: counts.rejected, cells: counts.cells,
            frequencies: frequencies, detected: facts.networks.detector == nil ? nil : detected,
            sameIdentity: Self.similarity(histograms.same), otherIdentity: Self.similarity(histograms.other),
            equalErrorRate: Self.equalErrorRate(same: histograms.same, other: histograms.other),
            scores: try await scores(features), copyLimit: facts.reference?.limit,
            smallestDistance: histograms.distances.min())
        self.histograms = histograms
    }

    /// Pairs of pictures of one person, which are consecutive.
    package static func pairsOfPersons(_ count: Int, _ size: Int) -> [(Int, Int)] {
        guard size > 1 else { return [] }
        var pairs: [(Int, Int)] = []
        for start in stride(from: 0, to: count, by: size) where pairs.count < pairLimit {
            for a in 0..<size { for b in a + 1..<size { pairs.append((start + a, start + b)) } }
        }
        return Array(pairs.prefix(pairLimit))
    }

    /// Random pairs of pictures of different persons.
    package static func pairsAcross(_ count: Int, _ size: Int, seed: UInt64) -> [(Int, Int)] {
        guard count / size > 1 else { return [] }
        var random = RandomStream(seed: seed, stream: stream)
        let wanted = min(pairLimit, count * (count - size) / 2)
        var pairs: [(Int, Int)] = []
        while pairs.count < wanted {
            let (a, b) = (random.integer(below: count), random.integer(below: count))
            if a / size != b / size { pairs.append((a, b)) }
        }
        return pairs
    }

    /// Embeddings of all pictures of evenly spaced persons, `size` pictures each.
    private static func embeddings(
        _ faces: RecordedFaces, _ size: Int, _ identities: ([SyntheticImage]) async throws -> [[Float]]
    ) async throws -> [[Float]] {
        let persons = faces.count / size
        let shown = min(persons, max(2, sampleCount / size))
        let chosen = (0..<shown).flatMap { person in (0..<size).map { person * persons / shown * size + $0 } }
        var found: [[Float]] = []
        let step = 256
        for start in stride(from: 0, to: chosen.count, by: step) {
            try Task.checkCancellation()
            let range = start..<min(chosen.count, start + step)
            let images = try ParallelPictures.map(range) { try faces.image(try faces.record(chosen[$0])) }
            found += try await identities(images)
        }
        return found
    }

    private static func similarity(_ cosines: [Double]) -> FaceDatasetSummary.Similarity? {
        guard !cosines.isEmpty else { return nil }
        let sorted = cosines.sorted()
        func quantile(_ fraction: Double) -> Double {
            sorted[min(sorted.count - 1, Int(fraction * Double(sorted.count)))]
        }
        return FaceDatasetSummary.Similarity(
            pairs: cosines.count, mean: cosines.reduce(0, +) / Double(cosines.count), low: quantile(0.05),
            high: quantile(0.95))
    }

    /// Error rate at the threshold where as many pairs of one person are below it as other pairs are above it.
    package static func equalErrorRate(same: [Double], other: [Double]) -> Double? {
        guard !same.isEmpty, !other.isEmpty else { return nil }
        let (same, other) = (same.sorted(), other.sorted())
        var (best, rate) = (Double.infinity, 0.5)
        var (below, otherBelow) = (0, 0)
        for threshold in (same + other).sorted() {
            while below < same.count, same[below] < threshold { below += 1 }
            while otherBelow < other.count, other[otherBelow] < threshold { otherBelow += 1 }
            let missed = Double(below) / Double(same.count)
            let mistaken = Double(other.count - otherBelow) / Double(other.count)
            if abs(missed - mistaken) < best {
                (best, rate) = (abs(missed - mistaken), (missed + mistaken) / 2)
            }
        }
        return rate
    }
}
