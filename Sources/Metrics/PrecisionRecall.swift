import Torch

/// How much of what was made looks real, and how much of what is real was made.
///
/// The shape of a set is taken to be balls around its features [N, D] that reach to the k-th neighbor. The intervals
/// are of other pictures judged by the same balls.
public struct PrecisionRecall: Sendable, Equatable {
    /// Share of judged pictures in a ball of the reference (Kynkäänniemi et al. 2019).
    public let precision: Estimate
    /// Share of the reference in a ball of the judged pictures (Kynkäänniemi et al. 2019).
    public let recall: Estimate
    /// Mean number of the reference's balls around a judged picture, over k; 1 for equal sets (Naeem et al. 2020).
    public let density: Estimate
    /// Share of the reference's balls with a judged picture inside (Naeem et al. 2020).
    public let coverage: Estimate

    /// Compares features [N, D] with those of the reference [M, D], block by block.
    /// - Parameters:
    ///   - neighbors: k of precision and recall.
    ///   - densityNeighbors: k of density and coverage.
    public init(judged: Tensor, reference: Tensor, neighbors: Int = 3, densityNeighbors: Int = 5) {
        let (made, real) = (judged.shape[0], reference.shape[0])
        let most = max(neighbors, densityNeighbors)
        precondition(
            min(neighbors, densityNeighbors) > 0 && real > most && made > neighbors,
            "PrecisionRecall: expected more pictures than neighbors, got \(made) and \(real)")
        let realRadii = Self.radii(reference, [neighbors, densityNeighbors])
        let madeRadii = Self.radii(judged.to(reference.device), [neighbors])[0]
        var precise = 0
        var balls: [Double] = []
        // Of each real picture: whether it is in a ball, and the distance to what was made.
        var found: Tensor?
        var nearest: Tensor?
        SquaredDistances.forEachBlock(judged, reference) { range, squares in
            precise += squares.lessOrEqual(to: realRadii[0]).any(1).sum().integers()[0]
            // Strictly inside, unlike above: as their authors count.
            balls += squares.less(than: realRadii[1]).sum([1]).doubles()
            let hits = squares.lessOrEqual(to: madeRadii[range].unsqueezed(1)).any(0).to(.uint8)
            let minima = squares.smallest(1, 0).values[0]
            found = found?.maximum(hits) ?? hits
            nearest = nearest?.minimum(minima) ?? minima
        }
        let recalled = found?.to(.int64).sum().integers()[0] ?? 0
        let covered = nearest?.less(than: realRadii[1]).sum().integers()[0] ?? 0
        precision = Estimate(share: precise, of: made)
        recall = Estimate(share: recalled, of: real)
        density = Estimate(meanOf: balls.map { $0 / Double(densityNeighbors) })
        coverage = Estimate(share: covered, of: real)
    }

    /// Squared distances [N] of features to their k-th neighbors, for each k.
    private static func radii(_ features: Tensor, _ ks: [Int]) -> [Tensor] {
        var blocks: [[Tensor]] = ks.map { _ in [] }
        SquaredDistances.forEachBlock(features, features) { _, squares in
            // The first is the picture itself.
            let nearest = squares.smallest((ks.max() ?? 0) + 1, 1).values
            for (index, k) in ks.enumerated() { blocks[index].append(nearest.select(1, k)) }
        }
        return blocks.map { Tensor.concatenated($0) }
    }
}
