/// Detector of a plateau: counts evaluations since the score last improved by more than its noise.
///
/// An evaluation is an improvement if its score is better than that of the last improvement, and if the difference exceeds
/// the standard error of the difference of both scores. Slow progress therefore counts once its sum exceeds the noise. The
/// state depends on the scores only, so that an interrupted run makes the same decision as an uninterrupted one.
public struct PlateauDetector: Sendable, Equatable {
    /// Evaluation with which later ones are compared.
    public struct Improvement: Sendable, Equatable {
        /// Key of the metric in the log.
        public let name: String
        /// Value of the metric.
        public let value: Double
        /// Standard error of the value.
        public let error: Double
        /// Images seen so far.
        public let images: Int
    }

    /// Last improvement; nil before the first score.
    public private(set) var last: Improvement?
    /// Evaluations since the last improvement.
    public private(set) var count = 0

    /// Creates a detector without scores.
    public init() {}

    /// Takes the next score. A value that is not finite is ignored. A score of another metric starts again.
    /// - Parameters:
    ///   - score: score of the metric that selects the best state.
    ///   - images: images seen so far.
    public mutating func observe(_ score: RunScore, images: Int) {
        guard score.value.isFinite else { return }
        let error = score.error.isFinite ? score.error : 0
        if let last, last.name == score.name {
            let gain = score.isLowerBetter ? last.value - score.value : score.value - last.value
            let noise = (last.error * last.error + error * error).squareRoot()
            guard gain > noise else {
                count += 1
                return
            }
        }
        last = Improvement(name: score.name, value: score.value, error: error, images: images)
        count = 0
    }

    /// Whether the score has not improved for a number of evaluations.
    public func isPlateau(after evaluations: Int) -> Bool { count >= evaluations }

    /// Key in the facts of a saved state.
    static let fact = "plateau"

    /// Text for a saved state; nil before the first score.
    var text: String? { last.map { "\($0.name) \($0.value) \($0.error) \($0.images) \(count)" } }

    /// Parses `text`; nil if it has another format.
    init?(_ text: String) {
        let parts = text.split(separator: " ")
        guard parts.count == 5, let value = Double(parts[1]), let error = Double(parts[2]), value.isFinite,
            error.isFinite, let images = Int(parts[3]), let count = Int(parts[4]), images >= 0, count >= 0
        else { return nil }
        last = Improvement(name: String(parts[0]), value: value, error: error, images: images)
        self.count = count
    }
}
