import Foundation

/// Recoveries of a run from divergence. Part of its saved states.
public struct RecoveryHistory: Sendable, Equatable {
    /// One recovery.
    public struct Recovery: Sendable, Equatable, Codable {
        /// Step of the state that the run went back to.
        public let step: Int
        /// What overflowed, as a sentence, and where.
        public let cause: String
        public let failedStep: Int
        /// Of both networks' rates, all recoveries together.
        public let learningRateFactor: Double
        /// How far the place in the pictures is ahead of the clock since then.
        public let skippedImages: Int
    }

    public private(set) var all: [Recovery] = []

    public init() {}

    /// Reads `text` back; nil if it is something else.
    init?(_ text: String) {
        guard let all = try? JSONDecoder().decode([Recovery].self, from: Data(text.utf8)) else { return nil }
        self.all = all
    }

    /// Their key among a state's facts.
    static let fact = "recoveries"

    var text: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(all)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    public var isEmpty: Bool { all.isEmpty }
    public var learningRateFactor: Double { all.last?.learningRateFactor ?? 1 }
    public var skippedImages: Int { all.last?.skippedImages ?? 0 }

    /// With one more: half the learning rates.
    func adding(step: Int, cause: String, failedStep: Int, skippedImages: Int) -> RecoveryHistory {
        var more = self
        more.all.append(
            Recovery(
                step: step, cause: cause, failedStep: failedStep,
                learningRateFactor: learningRateFactor / 2, skippedImages: skippedImages))
        return more
    }

    /// Summary of all recoveries, for the error of a run that ends.
    var summary: String {
        let tried = all.map {
            "from step \($0.step) with the learning rates x \($0.learningRateFactor), after \($0.cause) at step \($0.failedStep)"
        }
        return
            "It went back \(all.count == 1 ? "once" : "\(all.count) times"): \(tried.joined(separator: "; "))."
    }
}
