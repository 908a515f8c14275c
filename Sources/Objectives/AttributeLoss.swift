import Settings
import Torch

/// Cross entropy of many attributes at once, for a discriminator that also classifies (Odena et al. 2017, equation 3, with
/// as many binary questions in place of one class).
public struct AttributeLoss: SettingsGroup, Equatable {
    /// Weight in the discriminator's loss, on real pictures; 0: off.
    public var realWeight = 0.0
    /// Weight in the generator's loss, on pictures made for those attributes; 0: off.
    public var fakeWeight = 0.0

    public init() {}

    public init(realWeight: Double, fakeWeight: Double) {
        (self.realWeight, self.fakeWeight) = (realWeight, fakeWeight)
    }

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.number(
            "realWeight", &realWeight, in: 0...1e6,
            "Weight in the discriminator's loss, on real pictures; 0: off.")
        try v.number(
            "fakeWeight", &fakeWeight, in: 0...1e6,
            "Weight in the generator's loss, on its own pictures; 0: off.")
    }

    /// realWeight * the cross entropy on real pictures. Shapes as in `crossEntropy`.
    public func real(_ logits: Tensor, attributes: Tensor) -> Tensor {
        Self.crossEntropy(logits, attributes: attributes) * realWeight
    }

    /// fakeWeight * the cross entropy on generated pictures. Shapes as in `crossEntropy`.
    public func fake(_ logits: Tensor, attributes: Tensor) -> Tensor {
        Self.crossEntropy(logits, attributes: attributes) * fakeWeight
    }

    /// Mean binary cross entropy over all answers that are known; 0 if none is.
    /// - Parameters:
    ///   - logits: [N, K]; greater means more likely present.
    ///   - attributes: [N, K]; 1 present, -1 absent, 0 unknown.
    /// - Returns: [].
    public static func crossEntropy(_ logits: Tensor, attributes: Tensor) -> Tensor {
        require(
            logits.shape == attributes.shape,
            "attribute loss: expected an answer for each logit, got \(logits.summary) and \(attributes.summary)"
        )
        let signs = attributes.to(logits.atLeastSingle().dtype)
        return crossEntropy(logits, targets: signs * 0.5 + 0.5, weights: signs.abs())
    }

    /// The same for targets between present and absent, as smoothing and mixtures have them.
    /// - Parameters:
    ///   - targets: [N, K] in 0...1.
    ///   - weights: [N, K]; 1 for what is known, 0 for what is not.
    public static func crossEntropy(_ logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor {
        logits.atLeastSingle().binaryCrossEntropyWithLogits(targets, weight: weights) * Double(weights.count)
            / weights.sum().clampedBelow(1)
    }
}
