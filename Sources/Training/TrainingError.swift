/// Why a run cannot start or go on; says what, where and what to do.
public enum TrainingError: Error, CustomStringConvertible, Sendable {
    /// Losses or weights are no longer finite.
    case diverged(what: String, step: Int, kept: String)
    /// A loss is finite, but beyond the recipe's limit.
    case exploded(what: String, step: Int, kept: String)
    /// The folder holds a run that differs from what was asked for.
    case otherRun(folder: String, differences: [String])
    /// Anything else that the user can mend.
    case refused(String)

    /// What happened and where, for errors that an earlier state can help with.
    var divergence: (sentence: String, step: Int)? {
        switch self {
        case .diverged(let what, let step, _): ("\(what) is not finite", step)
        case .exploded(let what, let step, _): (what, step)
        case .otherRun, .refused: nil
        }
    }

    /// The same divergence with a word on what is left of the run.
    func keeping(_ kept: String) -> TrainingError {
        switch self {
        case .diverged(let what, let step, _): .diverged(what: what, step: step, kept: kept)
        case .exploded(let what, let step, _): .exploded(what: what, step: step, kept: kept)
        case .otherRun, .refused: self
        }
    }

    public var description: String {
        switch self {
        case .diverged(_, let step, let kept), .exploded(_, let step, let kept):
            """
            training diverged at step \(step): \(divergence?.sentence ?? ""). \(kept)
            The numbers of a run cannot change, so begin another one (--restart, or another --out) with lower learning rates \
            (--set generatorOptimizer.learningRate=1e-4), clipped gradients (--set generatorOptimizer.clipNorm=1) or \
            --precision fp32. See Docs/Training.md.
            """
        case .otherRun(let folder, let differences):
            """
            \(folder) holds a run that differs from what was asked for:
              \(differences.joined(separator: "\n  "))
            Go on with it as it is (leave these options out), choose another --out, or begin anew with --restart.
            """
        case .refused(let text): text
        }
    }
}
