import Foundation
import Settings

/// A penalty in every k-th step only, with its own step of the optimizer (Karras et al. 2020, appendix B).
public struct LazyRegularization: SettingsGroup, Equatable {
    /// Steps from one penalty to the next; 1: part of every step's loss.
    public var every = 1

    public init() {}

    public init(every: Int) { self.every = every }

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.integer(
            "every", &every, in: 1...10_000, "Steps from one penalty to the next; 1: in every step.")
    }

    /// Whether the step after `steps` others takes the penalty; the first does.
    public func isDue(after steps: Int) -> Bool { steps % every == 0 }

    /// What the penalty is multiplied by, so that its mean over all steps stays.
    public var factor: Double { Double(every) }

    /// Own steps of the optimizer for each step of the game; 0 where the penalty is part of the loss.
    public var ownSteps: Double { every == 1 ? 0 : 1 / Double(every) }

    /// The paper's c = k / (k + 1): k + 1 steps of the optimizer stand for k; of several penalties, all own steps count.
    public static func correction(_ penalties: [LazyRegularization]) -> Double {
        1 / (1 + penalties.reduce(0) { $0 + $1.ownSteps })
    }
}
