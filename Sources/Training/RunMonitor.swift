import Provenance

/// What a run shows of itself between steps: a picture to look at, and a score that decides which state is the best.
public protocol RunMonitor {
    /// A grid for the eye; nil where there is nothing to draw.
    func preview() -> SyntheticImage?
    /// Always on the same pictures, so that the scores of a run compare; the first decides which state is the best.
    func scores() throws -> [RunScore]
    /// What a reader of the scores should know when a run begins.
    var notes: [String] { get }
}

extension RunMonitor {
    public var notes: [String] { [] }
}
