/// When a run, or this session of it, ends; the first that is reached counts.
public struct TrainingLimit: Sendable, Equatable {
    /// Thousands of images of the whole run.
    public var kimg: Double?
    /// Steps of the whole run.
    public var steps: Int?
    /// Minutes of this session.
    public var minutes: Double?

    public init(kimg: Double? = nil, steps: Int? = nil, minutes: Double? = nil) {
        (self.kimg, self.steps, self.minutes) = (kimg, steps, minutes)
    }
}
