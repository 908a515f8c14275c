import Console
import Foundation
import Objectives
import Recipes

/// Detector of problems in adversarial training. It reports a problem once when it starts and once when it ends.
///
/// A problem is reported when its condition has held for the patience of the recipe. A second, stricter condition ends it.
public struct Supervisor {
    /// State of one rule.
    private struct Episode: Codable {
        /// Step since which the condition has held.
        var since: Int?
        /// Whether the problem has been reported.
        var isOpen = false
    }

    /// All values of a saved state.
    private struct Memory: Codable {
        var episodes: [String: Episode] = [:]
        /// Step of the last observation.
        var observedAt = 0
        /// Whether the diversity of generated pictures has been high enough to detect a collapse.
        var hasSeenDiversity = false
        /// Moving mean of the penalty.
        var penalty = 0.0
        /// Number of observed penalties.
        var penalties = 0
    }

    private let settings: SupervisionSettings
    private let kind: AdversarialLoss.Kind
    private let minSpike: Double
    private var memory = Memory()

    /// Creates a supervisor.
    /// - Parameters:
    ///   - recipe: settings of the run.
    ///   - minSpike: minimum value of the penalty that counts as a spike.
    public init(recipe: Recipe, minSpike: Double = 1) {
        settings = recipe.supervision
        self.minSpike = minSpike
        switch recipe.system {
        case .adversarial(let adversarial): kind = adversarial.loss.kind
        case .restoration(let restoration): kind = restoration.loss.kind
        case .conversion(let conversion): kind = conversion.loss.kind
        case .attributes: kind = .wasserstein
        }
    }

    // MARK: Rules

    /// Difference of mean logits above which a discriminator is too strong; nil for losses whose critic has no upper limit.
    private var maxGap: Double? {
        switch kind {
        // D(x) = 0.993 and D(G(z)) = 0.007.
        case .nonSaturating, .saturating: 10
        // Three times the distance between the margins.
        case .hinge: 6
        // Targets are 0 and 1.
        case .leastSquares: 0.9
        case .wasserstein, .relativistic: nil
        }
    }

    private static let minDiversity = 0.2
    private static let minGradient = 1e-6
    /// Steps in which pictures without diversity are normal. Diversity usually appears after 20 to 180 steps.
    private static let firstSteps = 100

    /// Conditions of a rule: for the start and for the end of a problem.
    private typealias Finding = (begins: Bool, isOver: Bool)

    private func strength(_ accuracy: Double, _ gap: Double) -> Finding {
        guard let maxGap else { return (false, true) }
        return (accuracy >= 0.998 && gap >= maxGap, accuracy < 0.98 || gap < maxGap / 2)
    }

    private func collapse(_ diversity: Double, at step: Int) -> Finding {
        // The first pictures are gray and have no diversity.
        let mayBegin = memory.hasSeenDiversity || step > max(Self.firstSteps, 3 * settings.patienceSteps)
        return (mayBegin && diversity < Self.minDiversity, diversity > 1.5 * Self.minDiversity)
    }

    private func spike(_ penalty: Double) -> Finding {
        guard memory.penalties >= 10 else { return (false, true) }
        return (
            penalty > 10 * memory.penalty && penalty > minSpike, penalty < 3 * memory.penalty
        )
    }

    // MARK: Observation

    /// Observes means over some steps.
    /// - Returns: problems that start or end.
    public mutating func observe(_ values: HealthValues, at clock: TrainingClock) -> [Diagnosis] {
        guard settings.isOn else { return [] }
        let (accuracy, gap) = (values.accuracy, values.logitGap)
        let (gradient, diversity) = (values.generatorGradient, values.diversity)
        var diagnoses: [Diagnosis] = []
        let patience = settings.patienceSteps
        func fixed(_ value: Double) -> String { Readable.fixed(value, 2) }
        check(.strongDiscriminator, strength(accuracy, gap), clock.steps, patience, &diagnoses) {
            "the discriminator is too strong: its accuracy was \(fixed(100 * accuracy)) % over the last \($0) steps, with a "
                + "difference of mean logits of \(fixed(gap)), so the generator gets little gradient. Try "
                + "steps.kind=adaptive, instanceNoise.deviation=0.1 with an instanceNoise.endKimg, or half the "
                + "discriminator's learning rate, and check the real pictures (data preview)"
        }
        check(.collapse, collapse(diversity, at: clock.steps), clock.steps, patience, &diagnoses) { _ in
            "mode collapse: the diversity of generated pictures is \(fixed(diversity)) of that of real pictures. Try lower "
                + "learning rates, a larger batchSize or a penalty on the discriminator, and use the best state"
        }
        let isFlat = (gradient < Self.minGradient, gradient > 10 * Self.minGradient)
        check(.frozenGenerator, isFlat, clock.steps, patience, &diagnoses) {
            "the generator receives no gradient: its norm was \(gradient) over the last \($0) steps, so its pictures no "
                + "longer change. Either its outputs are saturated (lower generatorOptimizer.learningRate, or clip gradients "
                + "with generatorOptimizer.clipNorm=1), or the gradient of the discriminator vanishes (loss.kind="
                + "non-saturating instead of saturating, or half the discriminator's learning rate)"
        }
        if let penalty = values.penalty {
            let usual = memory.penalty
            check(.penaltySpike, spike(penalty), clock.steps, 0, &diagnoses) { _ in
                "the penalty rose to \(fixed(penalty)), \(fixed(penalty / usual)) times its usual value \(fixed(usual)): the "
                    + "gradient of the critic is out of control. Try half the discriminator's learning rate, or "
                    + "discriminatorOptimizer.clipNorm=1"
            }
            // The limit of twice the mean reduces the influence of a spike; a persistent level is followed slowly.
            let weight = 1 / Double(min(10, memory.penalties + 1))
            let limited = memory.penalties < 10 ? penalty : min(penalty, 2 * usual)
            memory.penalty += weight * (limited - usual)
            memory.penalties += 1
        }
        memory.hasSeenDiversity = memory.hasSeenDiversity || diversity > 2 * Self.minDiversity
        memory.observedAt = clock.steps
        return diagnoses
    }

    private mutating func check(
        _ kind: Diagnosis.Kind, _ finding: Finding, _ step: Int, _ patience: Int,
        _ diagnoses: inout [Diagnosis],
        text: (_ steps: Int) -> String
    ) {
        var episode = memory.episodes[kind.rawValue] ?? Episode()
        if finding.begins {
            let since = episode.since ?? memory.observedAt
            episode.since = since
            if !episode.isOpen, step - since >= patience {
                episode.isOpen = true
                diagnoses.append(Diagnosis(kind, text(step - since)))
            }
        } else {
            episode.since = nil
            if episode.isOpen, finding.isOver {
                episode.isOpen = false
                diagnoses.append(Diagnosis(kind))
            }
        }
        memory.episodes[kind.rawValue] = episode
    }

    // MARK: Saving

    /// Key in the facts of a saved state.
    static let fact = "supervisor"

    /// Text for a saved state, as JSON.
    var text: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return (try? encoder.encode(memory)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// Restores the text of a saved state; nil resets the supervisor.
    mutating func restore(_ text: String?) {
        memory = text.flatMap { try? JSONDecoder().decode(Memory.self, from: Data($0.utf8)) } ?? Memory()
    }
}

/// Problem of a run that a supervisor has detected.
public struct Diagnosis: Sendable, Equatable {
    /// Kind of problem.
    public enum Kind: String, Sendable, CaseIterable, Codable {
        /// The discriminator separates nearly all pictures by a large margin.
        case strongDiscriminator = "strong-discriminator"
        /// Generated pictures have little diversity.
        case collapse
        /// The generator receives no gradient.
        case frozenGenerator = "frozen-generator"
        /// The penalty of the discriminator is many times its usual value.
        case penaltySpike = "penalty-spike"
    }

    /// Kind of the problem.
    public let kind: Kind
    /// Measurements and advice; empty at the end of the problem.
    public let text: String
    /// Whether the problem has ended.
    public var isResolved: Bool { text.isEmpty }

    /// Creates a diagnosis; without a text, the end of a problem.
    init(_ kind: Kind, _ text: String = "") { (self.kind, self.text) = (kind, text) }
}
