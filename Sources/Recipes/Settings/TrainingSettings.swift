import Settings

/// Length and cadence of a run; nothing here changes the numbers of a step, so it may differ after a resume.
public struct TrainingSettings: SettingsGroup, Equatable {
    /// Thousands of images after which a run is done.
    public var totalKimg = 1000.0
    /// Steps between lines of the log.
    public var logSteps = 20
    /// Thousands of images between preview grids, after the first ones.
    public var previewKimg = 10.0
    /// Faces in a preview grid.
    public var previewCount = 64
    /// Minutes between saves of the last state.
    public var saveMinutes = 5.0
    /// Thousands of images between states that are kept for good; 0 for none.
    public var keepKimg = 0.0
    /// Thousands of images between scores that decide which state is the best; 0 for none.
    public var scoreKimg = 50.0
    /// Scores by name, commas between them; the first decides which state is the best. A face network has its own.
    public var metrics = "swd,fd-face"
    /// Faces and pictures that a score compares, at most.
    public var scoreCount = 2048
    /// Computes the inner values of layers again in the backward pass: less memory, a quarter more time, the same numbers.
    public var gradientCheckpointing = false

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.number("totalKimg", &totalKimg, in: 0...1e9, "Thousands of images in all.")
        try v.integer("logSteps", &logSteps, in: 1...100_000, "Steps between lines of the log.")
        try v.number(
            "previewKimg", &previewKimg, in: 0.001...1e9, "Thousands of images between preview grids.")
        try v.integer("previewCount", &previewCount, in: 1...1024, "Faces in a preview grid.")
        try v.number(
            "saveMinutes", &saveMinutes, in: 0...10_000, "Minutes between saves; 0: at every line of the log."
        )
        try v.number("keepKimg", &keepKimg, in: 0...1e9, "Thousands of images between kept states; 0: none.")
        try v.number("scoreKimg", &scoreKimg, in: 0...1e9, "Thousands of images between scores; 0: none.")
        try v.text(
            "metrics", &metrics, "Scores, the first decides which state is the best: swd, fd-face, fid, ...")
        try v.integer("scoreCount", &scoreCount, in: 16...100_000, "Pictures on both sides of a score.")
        try v.flag(
            "gradientCheckpointing", &gradientCheckpointing,
            "Computes inner values twice rather than keep them: for large pictures. Not in a critic with a penalty."
        )
    }
}
