import Datasets
import Imaging

/// Reason why the pictures of a person are not in the data set.
public enum RejectionReason: String, Sendable, Codable, CaseIterable {
    /// The detector found no face.
    case noFace
    /// Pixels equal to those of an earlier picture.
    case equalPixels
    /// Perceptual hash and thumbnail as an earlier picture.
    case nearHash
    /// Features nearly equal to those of an earlier picture.
    case nearFeatures
    /// As near to a photograph of the training set as its nearest neighbors are.
    case nearPhotograph
    /// Pictures of one person with different balanced attributes.
    case mixedAttributes
    /// The combination of balanced attributes has all its pictures.
    case fullCombination

    /// Description for a reader.
    public var text: String {
        switch self {
        case .noFace: "no face detected"
        case .equalPixels: "equal pixels"
        case .nearHash: "near-duplicate by perceptual hash"
        case .nearFeatures: "near-duplicate by features"
        case .nearPhotograph: "near copy of a training photograph"
        case .mixedAttributes: "pictures of one person differ in a balanced attribute"
        case .fullCombination: "combination of attributes is complete"
        }
    }
}

/// Combination of balanced attributes, and its counts.
public struct BalanceCell: Sendable, Codable, Equatable {
    /// Combination such as `Male=1,Young=0`; empty without balancing.
    public let name: String
    /// Number of persons that the data set has with it.
    public let wanted: Int
    /// Number of accepted persons.
    public internal(set) var accepted = 0
    /// Number of examined persons with it.
    public internal(set) var seen = 0
}

/// Decisions about candidates, in their order. Depends only on the candidates, not on chunks or time.
package struct Selection: Sendable {
    /// Counts that a journal records.
    package struct Counts: Sendable, Codable, Equatable {
        /// Number of examined pictures.
        package var examined = 0
        /// Number of rejected pictures by reason.
        package var rejected: [String: Int] = [:]
        /// Combinations of balanced attributes.
        package var cells: [BalanceCell]
    }

    /// Decision about the pictures of a person.
    package enum Decision: Equatable {
        case rejected(RejectionReason)
        /// Accepted into a cell and a part of the data set.
        case accepted(cell: Int, split: DataSplit)
    }

    package private(set) var counts: Counts
    private let plan: FaceDatasetPlan
    /// Indices of the balanced attributes in the logits.
    private let columns: [Int]
    private let copyLimit: Double?
    private var hashes = HashIndex()
    private let splits: SplitAssignment

    /// Cosine of features from which two generated pictures are near-duplicates.
    package static let cosineLimit: Float = 0.995

    /// - Parameters:
    ///   - plan: plan of the data set.
    ///   - attributes: names of the attributes of the face network.
    ///   - copyLimit: distance to a photograph below which a picture is a near copy; nil without photographs.
    /// - Throws: `FaceDatasetError` for a balanced attribute that the network does not have.
    package init(_ plan: FaceDatasetPlan, attributes: [String], copyLimit: Double?) throws {
        self.plan = plan
        self.copyLimit = copyLimit
        columns = try plan.balance.map { name in
            guard let column = attributes.firstIndex(of: name) else {
                throw FaceDatasetError(
                    "balance: the face network has no attribute \(name); it has "
                        + attributes.joined(separator: ", "))
            }
            return column
        }
        splits = SplitAssignment(plan.splits, seed: plan.firstSeed)
        let (persons, cells) = (plan.count / plan.picturesPerIdentity, 1 << plan.balance.count)
        counts = Counts(
            cells: (0..<cells).map { cell in
                let name = plan.balance.enumerated().map { "\($1)=\(cell >> $0 & 1)" }
                return BalanceCell(
                    name: name.joined(separator: ","),
                    wanted: persons / cells + (cell < persons % cells ? 1 : 0))
            })
    }

    /// Number of accepted persons.
    package var acceptedPersons: Int { counts.cells.reduce(0) { $0 + $1.accepted } }
    /// Whether all combinations have all their pictures.
    package var isComplete: Bool { counts.cells.allSatisfy { $0.accepted == $0.wanted } }

    /// Estimate of the number of examined candidates at the end, from the rarest combination; nil if a combination has no
    /// picture yet.
    package var expectedCandidates: Int? {
        let shares = counts.cells.map { Double($0.wanted) / Double($0.accepted) }
        guard let largest = shares.max(), largest.isFinite else { return nil }
        return Int(min(1e15, Double(counts.examined) * max(1, largest)))
    }

    /// Continues with the counts and pictures of a journal.
    package mutating func restore(_ counts: Counts, hashes: [PictureHashes]) {
        self.counts = counts
        for hash in hashes { self.hashes.insert(hash) }
    }

    /// Decides about the pictures of a person.
    /// - Parameters:
    ///   - person: pictures of one person.
    ///   - proximity: distances of each picture.
    ///   - chunk: features of the pictures that were accepted earlier in the same chunk.
    package mutating func examine(
        _ person: [Candidate], _ proximity: [Proximity], acceptedInChunk chunk: [[Float]]
    )
        -> Decision
    {
        counts.examined += person.count
        let cells = person.map { candidate in
            columns.enumerated().reduce(0) {
                $0 | (candidate.labels.logits[$1.element] > 0 ? 1 << $1.offset : 0)
            }
        }
        counts.cells[cells[0]].seen += 1
        if let reason = reason(person, proximity, chunk, cells) {
            counts.rejected[reason.rawValue, default: 0] += person.count
            return .rejected(reason)
        }
        let cell = cells[0]
        let split = splits.split(ofRank: counts.cells[cell].accepted, cell: cell)
        counts.cells[cell].accepted += 1
        for candidate in person { hashes.insert(candidate.hashes) }
        return .accepted(cell: cell, split: split)
    }

    private func reason(
        _ person: [Candidate], _ proximity: [Proximity], _ chunk: [[Float]], _ cells: [Int]
    ) -> RejectionReason? {
        if plan.requiresFace, person.contains(where: { $0.labels.detection == nil }) { return .noFace }
        if plan.removesDuplicates {
            let pixels = Set(person.map(\.hashes.pixels))
            if pixels.count < person.count || person.contains(where: { hashes.containsEqual($0.hashes) }) {
                return .equalPixels
            }
            if person.contains(where: { hashes.containsNear($0.hashes) }) { return .nearHash }
            let isNear = zip(person, proximity).contains { candidate, found in
                found.cosine >= Self.cosineLimit
                    || chunk.contains {
                        CosineIndex.cosine($0, candidate.labels.features) >= Self.cosineLimit
                    }
            }
            if isNear { return .nearFeatures }
        }
        if let copyLimit,
            proximity.contains(where: { ($0.photograph?.distance ?? .infinity) < copyLimit })
        {
            return .nearPhotograph
        }
        if Set(cells).count > 1 { return .mixedAttributes }
        if counts.cells[cells[0]].accepted == counts.cells[cells[0]].wanted { return .fullCombination }
        return nil
    }

    /// Error if the limit of candidates is reached before all combinations are complete; nil otherwise.
    package func shortage(limit: Int) -> FaceDatasetError? {
        guard counts.examined >= limit, !isComplete else { return nil }
        let persons = max(1, counts.examined / plan.picturesPerIdentity)
        let missing = counts.cells.filter { $0.accepted < $0.wanted }.map { cell in
            let share = (1000 * Double(cell.seen) / Double(persons)).rounded() / 10
            let name = cell.name.isEmpty ? "identities" : cell.name
            return "\(name): \(cell.accepted) of \(cell.wanted), seen in \(share) % of the candidates"
        }
        let reasons = RejectionReason.allCases.compactMap { reason in
            counts.rejected[reason.rawValue].map { "\($0) \(reason.text)" }
        }
        return FaceDatasetError(
            "after \(counts.examined) candidates, the data set is not complete: "
                + missing.joined(separator: "; ")
                + ". Rejected: \(reasons.isEmpty ? "none" : reasons.joined(separator: ", ")). Raise the limit of "
                + "candidates and repeat the command, which continues; or begin another data set with fewer pictures "
                + "or fewer balanced attributes")
    }
}

/// Assignment of persons to the parts of the data set. Every combination of balanced attributes has the same shares.
package struct SplitAssignment: Sendable {
    private let shares: [(split: DataSplit, count: Int)]
    private let period: Int
    private let seed: UInt64

    private static let stream: UInt64 = 0x5B11_7500

    /// - Parameters:
    ///   - shares: percentages of the parts.
    ///   - seed: seed of the order.
    package init(_ shares: SplitShares, seed: UInt64) {
        func divisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : divisor(b, a % b) }
        let common = DataSplit.allCases.reduce(0) { divisor($0, shares[$1]) }
        self.shares = DataSplit.allCases.map { ($0, shares[$0] / common) }
        period = 100 / common
        self.seed = seed
    }

    /// Part of the person with a rank among those of its combination. Each run of `period` persons has exact shares.
    package func split(ofRank rank: Int, cell: Int) -> DataSplit {
        var random = RandomStream(
            seed: seed, stream: Self.stream, index: UInt64(cell) << 40 | UInt64(rank / period))
        var place = Int(random.permutation(period)[rank % period])
        for (split, count) in shares {
            if place < count { return split }
            place -= count
        }
        return .train
    }
}
