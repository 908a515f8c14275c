import Foundation

/// How the learning rate follows the clock; gives a factor of the recipe's rate.
public struct LearningRateSchedule: Sendable, Equatable {
    /// What happens after the warm-up.
    public enum Kind: String, Sendable, CaseIterable {
        case constant, linear, cosine, step
    }

    public var kind: Kind
    /// Images in thousands over which the rate first rises from zero, linearly.
    public var warmUpKimg: Double
    /// Where linear and cosine begin to fall.
    public var startKimg: Double
    /// Where linear and cosine reach `finalFactor`; the distance between drops for step.
    public var endKimg: Double
    /// The last factor of linear and cosine; the factor of each drop for step.
    public var finalFactor: Double

    public init(
        kind: Kind = .constant, warmUpKimg: Double = 0, startKimg: Double = 0, endKimg: Double = 0,
        finalFactor: Double = 0
    ) {
        (self.kind, self.warmUpKimg) = (kind, warmUpKimg)
        (self.startKimg, self.endKimg, self.finalFactor) = (startKimg, endKimg, finalFactor)
    }

    /// The factor after `kimg` thousand images.
    public func factor(atKimg kimg: Double) -> Double {
        let warmUp = warmUpKimg > 0 ? min(1, kimg / warmUpKimg) : 1
        return warmUp * decay(kimg)
    }

    private func decay(_ kimg: Double) -> Double {
        switch kind {
        case .constant: return 1
        case .step:
            guard endKimg > 0 else { return 1 }
            let drops = max(0, ((kimg - startKimg) / endKimg).rounded(.down))
            return pow(finalFactor, drops)
        case .linear, .cosine:
            guard endKimg > startKimg else { return 1 }
            let progress = min(1, max(0, (kimg - startKimg) / (endKimg - startKimg)))
            let fall = kind == .linear ? progress : (1 - cos(.pi * progress)) / 2
            return 1 + (finalFactor - 1) * fall
        }
    }
}
