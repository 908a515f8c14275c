import Settings
import Torch
import TorchNN

/// Network that separates real from generated pictures.
public protocol Discriminator: Module {
    /// Computes the output for pictures.
    /// - Parameters:
    ///   - images: [N, 3, side, side] in -1...1. The side is the resolution or, for a growing network, the current
    ///     side.
    ///   - labels: attributes of the pictures, [N, K] of 1 (present), -1 (absent) or 0 (unknown); nil for none.
    /// - Returns: logits [N] or [N, S] and, depending on the network, attribute logits and maps.
    func callAsFunction(_ images: Tensor, labels: Tensor?) -> DiscriminatorOutput
    /// Whether a logit depends on the other pictures of the batch. If so, real and generated pictures need separate
    /// batches.
    var usesBatchStatistics: Bool { get }
}

extension Discriminator {
    /// Computes logits [N] or [N, S] of pictures [N, 3, side, side] without labels.
    public func callAsFunction(_ images: Tensor) -> Tensor { self(images, labels: nil).logits }
}

/// Output of a discriminator.
public struct DiscriminatorOutput {
    /// Logits [N], or [N, S] of S discriminators or patches. Larger values mean more real.
    public var logits: Tensor
    /// Logits of single pixels [N, P], which have their own loss term; nil for discriminators without them.
    public var pixels: Tensor?
    /// Logits of the attributes [N, K]; nil for discriminators without a classifier.
    public var attributes: Tensor?
    /// Feature maps [N, C, h, w] from input to output; empty for families that do not return them.
    public var maps: [Tensor]

    /// Creates an output from logits [N] or [N, S], attribute logits [N, K] and maps [N, C, h, w].
    public init(logits: Tensor, attributes: Tensor? = nil, maps: [Tensor] = []) {
        (self.logits, self.attributes, self.maps) = (logits, attributes, maps)
    }

    /// Creates an output and applies a label head.
    /// - Parameters:
    ///   - logits: [N], without the contribution of labels.
    ///   - maps: feature maps [N, C, h, w].
    ///   - head: label head; nil for none.
    ///   - features: input [N, C] of the head; required if there is a head.
    ///   - labels: [N, K] of 1, -1 or 0; nil for none.
    init(logits: Tensor, maps: [Tensor], head: LabelHead?, features: Tensor?, labels: Tensor?) {
        guard let head, let features else {
            self.init(logits: logits, maps: maps)
            return
        }
        let projection = labels.flatMap { head.fit(features, labels: $0) }
        self.init(
            logits: projection.map { logits.to($0.dtype) + $0 } ?? logits,
            attributes: head.classifier.map { $0(features.atLeastSingle()) }, maps: maps)
    }
}

/// Use of labels by a discriminator.
///
/// Projection adds <E y, h> to the logit (Miyato and Koyama 2018, equation 3, with a sum of embeddings instead of
/// one). The classifier computes one logit per label (Odena et al. 2017).
public final class LabelHead: Module {
    /// Embedding E without bias, [N, K] to [N, C]; nil without projection.
    public let embed: Layer?
    /// Classifier, h [N, C] to logits [N, K]; nil for none.
    public let classifier: Linear?

    /// Creates a head; nil if there are no labels.
    /// - Parameters:
    ///   - features: length C of h.
    ///   - conditions: attributes and how they are used.
    ///   - isSpectral: whether the embedding has spectral normalization.
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

    /// Projection term <E y, h> of the logits.
    /// - Parameters:
    ///   - features: h [N, C], such as sums over all positions.
    ///   - labels: y [N, K] of 1, -1 or 0 for unknown.
    /// - Returns: [N]; nil without an embedding.
    public func fit(_ features: Tensor, labels: Tensor) -> Tensor? {
        require(
            labels.rank == 2 && labels.shape[0] == features.shape[0],
            "LabelHead: expected labels [N, K] for features \(features.summary), got \(labels.summary)")
        guard let embed else { return nil }
        // Logits are unbounded. bfloat16 would lose the difference between real and fake.
        return withAutocast(.float32, on: features.device) {
            let h = features.atLeastSingle()
            return (embed(labels.to(h.dtype)) * h).sum([1])
        }
    }
}

/// Attributes of a conditional generator and how the discriminator uses them.
public struct ConditionSettings: SettingsGroup, Equatable {
    /// Attribute names, as in the labels of the pictures; empty for an unconditional model.
    public var attributes: [String] = []
    /// Whether the attributes are classes: exactly one is present. Labels are then 1 for it and 0 for the others.
    public var exclusive = false
    /// Whether the discriminator has a projection term for labels.
    public var projection = true
    /// Whether the discriminator also classifies the attributes.
    public var classifier = false

    /// Creates settings with the default values.
    public init() {}

    /// Visits the fields.
    /// - Throws: errors of the visitor; throws no others.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.texts(
            "attributes", &attributes,
            "Attributes that condition the generator; [] for an unconditional model.")
        try v.flag(
            "exclusive", &exclusive,
            "The attributes are classes, of which each picture has exactly one; labels are 1 and 0.")
        try v.flag(
            "projection", &projection, "Add a projection of the labels to the logit of the discriminator.")
        try v.flag(
            "classifier", &classifier, "Let the discriminator classify the attributes; see attributeLoss.")
        try v.check(
            Set(attributes).count == attributes.count, "attributes", "distinct names")
        try v.check(
            attributes.isEmpty || projection || classifier, "projection",
            "true unless classifier is true, because one of them must train the attributes")
    }
}

/// Several discriminators of one kind, each for half the side of the previous one (Wang et al. 2018, section 3.2).
///
/// Pictures [N, 3, R, R] to logits [N, S]. While the networks grow, discriminators with pictures smaller than 4 x 4
/// are skipped.
public final class PyramidDiscriminator: Module, Discriminator, Growing {
    /// Discriminators for the sides R, R / 2, R / 4, ...
    public let discriminators: [any Discriminator]

    /// Creates a pyramid of discriminators for the sides R, R / 2, R / 4, ...
    public init(_ discriminators: [any Discriminator]) { self.discriminators = discriminators }

    /// Whether a logit of any of the discriminators depends on the batch.
    public var usesBatchStatistics: Bool { discriminators.contains(where: \.usesBatchStatistics) }

    /// Growth of the first discriminator. Setting it sets the others to the corresponding smaller sides.
    public var growth: Growth {
        // Networks that do not grow always have their full side.
        get { (discriminators[0] as? any Growing)?.growth ?? Growth(side: 1024) }
        set {
            for (index, part) in discriminators.enumerated() where newValue.side >> index >= 4 {
                (part as? any Growing)?.growth = Growth(side: newValue.side >> index, alpha: newValue.alpha)
            }
        }
    }

    /// Weight of the newest layers of all parts.
    public var fade: Factor {
        get { (discriminators[0] as? any Growing)?.fade ?? 1.0 }
        set { for part in discriminators { (part as? any Growing)?.fade = newValue } }
    }

    /// Computes logits [N, S] of pictures [N, 3, R, R] and labels [N, K]. Attribute logits are means over the
    /// discriminators.
    public func callAsFunction(_ images: Tensor, labels: Tensor?) -> DiscriminatorOutput {
        var (images, outputs) = (images, [DiscriminatorOutput]())
        for (index, part) in discriminators.enumerated() where images.shape[2] >= 4 {
            outputs.append(part(images, labels: labels))
            if index < discriminators.count - 1 { images = Self.halved(images) }
        }
        let attributes = outputs.compactMap(\.attributes)
        return DiscriminatorOutput(
            logits: Tensor.stacked(outputs.map(\.logits), 1),
            attributes: attributes.isEmpty
                ? nil : attributes.dropFirst().reduce(attributes[0]) { $0 + $1 } / Double(attributes.count),
            maps: outputs.flatMap(\.maps))
    }

    /// Antialiased downsampling by 2: filter [1, 3, 3, 1] / 8 per direction, computed as three averages of neighbors.
    /// [N, 3, H, W] to [N, 3, H / 2, W / 2].
    private static func halved(_ images: Tensor) -> Tensor {
        images.reflectionPadded([1, 1, 1, 1]).averagePool2d(2, stride: 1).averagePool2d(2, stride: 1)
            .averagePool2d(2, stride: 2)
    }
}
