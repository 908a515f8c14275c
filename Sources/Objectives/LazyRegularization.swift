import Foundation
import Settings

/// A penalty in every k-th step only, with its own step of the optimiser (Karras et al. 2020, appendix B).
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

    /// The paper's c = k / (k + 1): k + 1 steps of the optimiser stand for k. 1 where the penalty takes none of its own.
    public var correction: Double { every == 1 ? 1 : Double(every) / Double(every + 1) }

    /// Adam's rate: c times as much.
    public func corrected(learningRate: Double) -> Double { learningRate * correction }

    /// Adam's beta 1 or 2: to the power of c, so that k + 1 steps forget as much as k did.
    public func corrected(beta: Double) -> Double { pow(beta, correction) }
}
