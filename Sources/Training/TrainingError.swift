/// Error of a run: what is wrong, where, and what to do.
public enum TrainingError: Error, CustomStringConvertible, Sendable {
    /// A loss, score or weight is not finite.
    case diverged(what: String, step: Int, kept: String)
    /// A loss exceeds the limit of the recipe.
    case exploded(what: String, step: Int, kept: String)
    /// The folder contains a run with other settings or data.
    case otherRun(folder: String, differences: [String])
    /// Any other problem that the user can solve, as a message.
    case refused(String)

    /// Cause and step of a divergence, from which a run can recover; nil for other errors.
    var divergence: (sentence: String, step: Int)? {
        switch self {
        case .diverged(let what, let step, _): ("\(what) is not finite", step)
        case .exploded(let what, let step, _): (what, step)
        case .otherRun, .refused: nil
        }
    }

    /// The same divergence with a sentence about the saved states.
    func keeping(_ kept: String) -> TrainingError {
        switch self {
        case .diverged(let what, let step, _): .diverged(what: what, step: step, kept: kept)
        case .exploded(let what, let step, _): .exploded(what: what, step: step, kept: kept)
        case .otherRun, .refused: self
        }
    }

    /// Message with advice.
    public var description: String {
        switch self {
        case .diverged(_, let step, let kept), .exploded(_, let step, let kept):
            """
            training diverged at step \(step): \(divergence?.sentence ?? ""). \(kept)
            The settings of a run are fixed. Start another run (--restart, or another --out) with lower learning rates \
            (--set generatorOptimizer.learningRate=1e-4), clipped gradients (--set generatorOptimizer.clipNorm=1) or \
            --precision fp32. See Docs/Training.md.
            """
        case .otherRun(let folder, let differences):
            """
            \(folder) contains a run with other settings:
              \(differences.joined(separator: "\n  "))
            To resume it, omit these options. Otherwise use another --out, or replace the run with --restart.
            """
        case .refused(let text): text
        }
    }
}
