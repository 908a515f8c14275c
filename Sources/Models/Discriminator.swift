import Settings
import Torch
import TorchNN

/// A network that separates real from generated pictures.
public protocol Discriminator: Module {
    /// - Parameters:
    ///   - images: [N, 3, side, side], in -1...1; the side is the resolution, or what a growing network has reached.
    ///   - labels: what the pictures should show, [N, K] of 1, -1, or 0 for unknown; nil where nothing is asked.
    func callAsFunction(_ images: Tensor, labels: Tensor?) -> DiscriminatorOutput
    /// Whether a logit depends on the other pictures of its batch, so that real and generated ones must not share one.
    var usesBatchStatistics: Bool { get }
}

extension Discriminator {
    /// Logits alone, of pictures without labels.
    public func callAsFunction(_ images: Tensor) -> Tensor { self(images, labels: nil).logits }
}

/// Output of a discriminator.
public struct DiscriminatorOutput {
    /// Logits [N], or [N, S] of S discriminators or patches. Larger values mean more real.
    public var logits: Tensor
    /// Logits of single pixels [N, P], which have a loss of their own; nil for discriminators without them.
    public var pixels: Tensor?
    /// Logits of the attributes [N, K]; nil for discriminators without a classifier.
    public var attributes: Tensor?
    /// Inner maps [N, C, h, w], from the input on; empty for families that do not return them.
    public var maps: [Tensor]

    public init(logits: Tensor, attributes: Tensor? = nil, maps: [Tensor] = []) {
        (self.logits, self.attributes, self.maps) = (logits, attributes, maps)
    }

    /// - Parameters:
    ///   - logits: [N], without labels.
    ///   - features: what the head judges labels by, [N, C]; needed where there is a head.
    init(logits: Tensor, maps: [Tensor], head: LabelHead?, features: Tensor?, labels: Tensor?) {
        guard let head, let features else {
            self.init(logits: logits, maps: maps)
            return
        }
        let fit = labels.flatMap { head.fit(features, labels: $0) }
        self.init(
            logits: fit.map { logits.to($0.dtype) + $0 } ?? logits,
            attributes: head.classifier.map { $0(features.atLeastSingle()) }, maps: maps)
    }
}

/// What a discriminator knows of labels: how well a picture fits them, <E y, h>, which adds to its logit (Miyato and Koyama
/// 2018, equation 3, with a sum of embeddings in place of one), and which it has, one logit each (Odena et al. 2017).
public final class LabelHead: Module {
    /// E: y [K] to [C], without bias.
    public let embed: Layer?
    /// h [C] to logits [K].
    public let classifier: Linear?

    /// - Parameters:
    ///   - features: length C of h.
    ///   - isSpectral: whether the embedding is spectrally normalized.
    /// - Returns: nil where there are no labels.
    public init?(_ features: Int, _ conditions: ConditionSettings, isSpectral: Bool = false) {
        let labels = conditions.attributes.count
        guard labels > 0 else { return nil }
        let weights = Initializer.xavierUniform()
        embed =
            !conditions.projection
            ? nil
            : isSpectral
                ? SpectralLinear(labels, features, bias: false, initializer: weights)
                : Linear(labels, features, bias: false, initializer: weights)
        classifier = conditions.classifier ? Linear(features, labels, initializer: weights) : nil
    }

    /// What labels add to the logits.
    /// - Parameters:
    ///   - features: h [N, C], such as sums over all positions.
    ///   - labels: y [N, K]; an unknown label is 0.
    /// - Returns: [N]; nil without an embedding.
    public func fit(_ features: Tensor, labels: Tensor) -> Tensor? {
        require(
            labels.rank == 2 && labels.shape[0] == features.shape[0],
            "LabelHead: expected labels for each of \(features.summary), got \(labels.summary)")
        guard let embed else { return nil }
        // Logits have no bounds: with 8 bits of mantissa, the difference between real and fake would drown.
        return withAutocast(.float32, on: features.device) {
            let h = features.atLeastSingle()
            return (embed(labels.to(h.dtype)) * h).sum([1])
        }
    }
}

/// Which attributes a generator can be asked for, and how a discriminator sees to it.
public struct ConditionSettings: SettingsGroup, Equatable {
    /// Names as the pictures' labels have them; none for an unconditional game.
    public var attributes: [String] = []
    /// Whether the discriminator weighs how well a picture fits its labels.
    public var projection = true
    /// Whether the discriminator names the labels, too.
    public var classifier = false

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.texts("attributes", &attributes, "Names that faces can be asked for; [] for none.")
        try v.flag("projection", &projection, "The discriminator weighs how well a picture fits its labels.")
        try v.flag("classifier", &classifier, "The discriminator names the labels; see attributeLoss.")
        try v.check(
            Set(attributes).count == attributes.count, "attributes", "names that differ from each other")
        try v.check(
            attributes.isEmpty || projection || classifier, "projection",
            "true, or a classifier: else nothing teaches the attributes")
    }
}

/// Several discriminators of one kind, each at half the side of the one before (Wang et al. 2018, section 3.2).
///
/// Pictures [N, 3, R, R] to logits [N, S]. A growing one skips the parts whose pictures would be smaller than 4.
public final class PyramidDiscriminator: Module, Discriminator, Growing {
    public let discriminators: [any Discriminator]

    /// - Parameter discriminators: for sides R, R / 2, ...
    public init(_ discriminators: [any Discriminator]) { self.discriminators = discriminators }

    public var usesBatchStatistics: Bool { discriminators.contains(where: \.usesBatchStatistics) }

    public var growth: Growth {
        // Parts that do not grow are always at their full side.
        get { (discriminators[0] as? any Growing)?.growth ?? Growth(side: 1024) }
        set {
            for (index, part) in discriminators.enumerated() where newValue.side >> index >= 4 {
                (part as? any Growing)?.growth = Growth(side: newValue.side >> index, alpha: newValue.alpha)
            }
        }
    }

    public func callAsFunction(_ images: Tensor, labels: Tensor?) -> DiscriminatorOutput {
        var (images, verdicts) = (images, [DiscriminatorOutput]())
        for (index, part) in discriminators.enumerated() where images.shape[2] >= 4 {
            verdicts.append(part(images, labels: labels))
            if index < discriminators.count - 1 { images = Self.halved(images) }
        }
        let attributes = verdicts.compactMap(\.attributes)
        return DiscriminatorOutput(
            logits: Tensor.stacked(verdicts.map(\.logits), 1),
            attributes: attributes.isEmpty
                ? nil : attributes.dropFirst().reduce(attributes[0]) { $0 + $1 } / Double(attributes.count),
            maps: verdicts.flatMap(\.maps))
    }

    /// Half the side without aliases: [1, 3, 3, 1] / 8 in each direction, which is the mean of neighbors three times.
    private static func halved(_ images: Tensor) -> Tensor {
        images.reflectionPadded([1, 1, 1, 1]).averagePool2d(2, stride: 1).averagePool2d(2, stride: 1)
            .averagePool2d(2, stride: 2)
    }
}
