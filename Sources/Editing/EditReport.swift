import Metrics
import Models
import Provenance
import Synthesis
import Torch

/// Changes that edits cause, measured by a face network that the generator has not seen.
public struct EditReport: Sendable, Equatable, Codable {
    /// Change of one attribute over all faces.
    public struct Change: Sendable, Equatable, Codable {
        /// Name of the attribute.
        public let name: String
        /// Mean logit of the originals.
        public let before: Double
        /// Mean logit of the edited faces.
        public let after: Double
        /// Fraction of the faces whose logit changes its sign.
        public let flips: Double

        /// Mean change of the logit.
        public var difference: Double { after - before }
    }

    /// Number of faces.
    public let faces: Int
    /// Changes of the edited attributes, in the order of the edits.
    public let targets: [Change]
    /// Changes of the other attributes, largest fraction of sign changes first. Attributes that a target excludes, such as another
    /// hair color, are left out.
    public let others: [Change]
    /// Mean fraction of the other attributes whose logit changes its sign.
    public let leakage: Double
    /// Mean cosine of the identity embeddings before and after.
    public let identity: Double
    /// Network of the embedding.
    public let identityNetwork: String
    /// Advice if the embedding is not that of MobileFaceNet; nil if it is.
    public let advice: String?

    /// Compares faces before and after edits.
    /// - Parameters:
    ///   - before: originals.
    ///   - after: edited faces in the same order.
    ///   - targets: attributes that the edits change.
    ///   - meter: the networks.
    init(before: [SyntheticImage], after: [SyntheticImage], targets: [String], _ meter: FaceMeter) {
        let (first, second) = (
            meter.measure(before, withIdentity: true), meter.measure(after, withIdentity: true)
        )
        (faces, identityNetwork, advice) = (before.count, meter.identityNetwork, meter.advice)
        let means = (first.logits.mean([0]).doubles(), second.logits.mean([0]).doubles())
        let flips = (first.logits * second.logits).less(than: 0).to(.float32).mean([0]).doubles()
        let changes = meter.attributes.indices.map {
            Change(name: meter.attributes[$0], before: means.0[$0], after: means.1[$0], flips: flips[$0])
        }
        self.targets = targets.compactMap { name in changes.first { $0.name == name } }
        let kept = changes.filter { change in
            !targets.contains(change.name)
                && !targets.contains { AttributeChanges.excludes($0, change.name) }
        }
        others = kept.sorted { ($0.flips, abs($0.difference)) > ($1.flips, abs($1.difference)) }
        leakage = kept.reduce(0) { $0 + $1.flips } / Double(max(1, kept.count))
        identity =
            Self.cosines(first.identities, second.identities).reduce(0, +) / Double(max(1, before.count))
    }

    /// Cosines of rows [N, E].
    static func cosines(_ a: Tensor?, _ b: Tensor?) -> [Double] {
        guard let a, let b else { return [] }
        return ((a * b).sum([1]) / (a.norm([1]) * b.norm([1])).clampedBelow(1e-12)).doubles()
    }
}

/// Quality of the edits of one attribute, as the table of Docs/Editing.md has it.
public struct EditMeasurement: Sendable, Equatable, Codable {
    /// Name of the attribute.
    public let name: String
    /// Latent space.
    public let space: String
    /// Scope of the direction.
    public let scope: String
    /// Held-out accuracy of the normal, 0...1.
    public let accuracy: Double
    /// Smallest measured number of units that changes the attribute in at least 80 % of the faces; nil if none does.
    public let units: Double?
    /// Fraction of the faces whose attribute changes at this step, or at the largest one.
    public let flips: Double
    /// Fraction of the other attributes that change at this step.
    public let leakage: Double
    /// Mean cosine of the identity embeddings at this step.
    public let identity: Double
    /// Mean over at most 16 faces of Spearman's correlation between 11 steps from -3 to 3 units and the logit.
    public let monotonicity: Double

    /// Fraction of changed faces that a step must reach.
    public static let wantedFlips = 0.8
    /// Units that are tried for the flips.
    static let triedUnits = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8]

    /// Largest number of faces whose logits are followed over 11 steps.
    static let followedFaces = 16

    /// Measures the edits of an attribute. Each face is edited away from its own value: faces without the attribute get it, and
    /// faces with it lose it.
    /// - Parameters:
    ///   - edit: edit of one unit.
    ///   - accuracy: held-out accuracy of the normal.
    ///   - options: space, scope and layers.
    ///   - origins: latents in z or w+.
    ///   - sampler: the model.
    ///   - meter: the networks.
    ///   - isCancelled: called between batches.
    /// - Throws: `EditError`; `CancellationError`.
    init(
        _ edit: ResolvedEdit, accuracy: Double, _ options: EditOptions, origins: [LatentPoint],
        _ sampler: FaceSampler, _ meter: FaceMeter, isCancelled: () -> Bool
    ) throws {
        let own = meter.attributes.firstIndex(of: edit.attribute) ?? 0
        (name, self.accuracy) = (edit.edit.name, accuracy)
        (space, scope) = (origins[0].space == .z ? "z" : "w", options.scope.text)
        func faces(_ factors: [Double]) throws -> [SyntheticImage] {
            if isCancelled() { throw CancellationError() }
            return try sampler.faces(
                zip(origins, factors).map { origin, factor in
                    .point(try origin.edited([edit], factors: [factor], layers: options.layers))
                })
        }
        let first = meter.measure(try faces(origins.map { _ in 0 }), withIdentity: true)
        let before = first.logits.select(1, own).doubles()
        let kept = meter.attributes.indices.filter {
            $0 != own && !AttributeChanges.excludes(edit.attribute, meter.attributes[$0])
        }
        var result = (units: Double?.none, flips: 0.0, leakage: 0.0, identity: 0.0)
        for units in Self.triedUnits {
            let second = meter.measure(try faces(before.map { $0 > 0 ? -units : units }), withIdentity: true)
            let moved = (first.logits * second.logits).less(than: 0).to(.float32)
            let flips = moved.select(1, own).mean().item()
            let cosines = EditReport.cosines(first.identities, second.identities)
            result = (
                nil, flips, moved.indexSelect(1, Tensor(kept)).mean().item(),
                cosines.reduce(0, +) / Double(cosines.count)
            )
            guard flips < Self.wantedFlips else {
                result.units = units
                break
            }
        }
        (units, flips, leakage, identity) = (result.units, result.flips, result.leakage, result.identity)
        let steps = (0..<11).map { 0.6 * Double($0) - 3 }
        let followed = origins.prefix(Self.followedFaces)
        let logits = try steps.map { step in
            meter.measure(try faces(followed.map { _ in step })).logits.select(1, own).doubles()
        }
        let correlations = followed.indices.map { face in
            Spearman.correlation(steps, logits.map { $0[face] }).value
        }.filter(\.isFinite)
        monotonicity = correlations.reduce(0, +) / Double(max(1, correlations.count))
    }
}
