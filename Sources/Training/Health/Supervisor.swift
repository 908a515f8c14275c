import Console
import Foundation
import Objectives
import Recipes

/// Watches the readings of a game and says in words what goes wrong: once when it begins, once when it is over.
///
/// A rule speaks when what it looks for has held over the recipe's patience, and is silent until well after it has passed.
public struct Supervisor {
    /// One rule's memory.
    private struct Episode: Codable {
        /// The step since which it holds.
        var since: Int?
        var isOpen = false
    }

    /// Everything that a saved state keeps.
    private struct Memory: Codable {
        var episodes: [String: Episode] = [:]
        var observedAt = 0
        /// Whether generated pictures have differed enough to become alike.
        var hasSeenDiversity = false
        /// Moving mean of the penalty, and over how many readings.
        var penalty = 0.0
        var penalties = 0
    }

    private let settings: SupervisionSettings
    private let kind: AdversarialLoss.Kind
    private let minSpike: Double
    private var memory = Memory()

    /// - Parameter minSpike: values of the penalty below this are no spike.
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

    /// Distance of the mean logits from which on a discriminator is sure of itself; nil for losses whose critic is meant to
    /// tell all pictures apart.
    private var sureGap: Double? {
        switch kind {
        // D(x) = 0.993 and D(G(z)) = 0.007.
        case .nonSaturating, .saturating: 10
        // Three times the width of the margins.
        case .hinge: 6
        // Targets are 0 and 1.
        case .leastSquares: 0.9
        case .wasserstein, .relativistic: nil
        }
    }

    private static let leastDiversity = 0.2
    private static let leastGradient = 1e-6
    /// Steps in which a generator may be gray; healthy ones differ after 20 to 180.
    private static let firstSteps = 100

    /// What of a rule's question holds now: whether it begins to, and whether it is over.
    private typealias Finding = (begins: Bool, isOver: Bool)

    private func strength(_ accuracy: Double, _ gap: Double) -> Finding {
        guard let sureGap else { return (false, true) }
        return (accuracy >= 0.998 && gap >= sureGap, accuracy < 0.98 || gap < sureGap / 2)
    }

    private func collapse(_ diversity: Double, at step: Int) -> Finding {
        // First pictures are gray and alike.
        let mayBegin = memory.hasSeenDiversity || step > max(Self.firstSteps, 3 * settings.patienceSteps)
        return (mayBegin && diversity < Self.leastDiversity, diversity > 1.5 * Self.leastDiversity)
    }

    private func spike(_ penalty: Double) -> Finding {
        guard memory.penalties >= 10 else { return (false, true) }
        return (
            penalty > 10 * memory.penalty && penalty > minSpike, penalty < 3 * memory.penalty
        )
    }

    // MARK: Watching

    /// What there is to say after the steps that these readings are means of.
    public mutating func observe(_ values: HealthValues, at clock: TrainingClock) -> [Diagnosis] {
        guard settings.isOn else { return [] }
        let (accuracy, gap) = (values.accuracy, values.logitGap)
        let (gradient, diversity) = (values.generatorGradient, values.diversity)
        var diagnoses: [Diagnosis] = []
        let patience = settings.patienceSteps
        func fixed(_ value: Double) -> String { Readable.fixed(value, 2) }
        check(.strongDiscriminator, strength(accuracy, gap), clock.steps, patience, &diagnoses) {
            "the discriminator tells all pictures apart: it was right about \(fixed(100 * accuracy)) % of them over the "
                + "last \($0) steps, with logits \(fixed(gap)) apart, and the generator has little left to learn from. "
                + "Try steps.kind=adaptive, instanceNoise.deviation=0.1 with an instanceNoise.endKimg, or half the "
                + "discriminator's learning rate, and look at the real pictures (data preview)"
        }
        check(.collapse, collapse(diversity, at: clock.steps), clock.steps, patience, &diagnoses) { _ in
            "faces have become alike: two of them differ \(fixed(diversity)) times as much as two real pictures do, which "
                + "is mode collapse. Try lower learning rates, a larger batchSize or a penalty on the discriminator, and "
                + "generate from the best state"
        }
        let isFlat = (gradient < Self.leastGradient, gradient > 10 * Self.leastGradient)
        check(.frozenGenerator, isFlat, clock.steps, patience, &diagnoses) {
            "the generator receives no gradient: its norm was \(gradient) over the last \($0) steps, so its pictures no "
                + "longer change. Either its own values are out of range (lower generatorOptimizer.learningRate, or clip "
                + "with generatorOptimizer.clipNorm=1), or the discriminator is flat where they lie (loss.kind="
                + "non-saturating rather than saturating, half the discriminator's learning rate)"
        }
        if let penalty = values.penalty {
            let usual = memory.penalty
            check(.penaltySpike, spike(penalty), clock.steps, 0, &diagnoses) { _ in
                "the penalty jumped to \(fixed(penalty)), \(fixed(penalty / usual)) times its usual \(fixed(usual)): the "
                    + "critic's slope has come loose. Try half the discriminator's learning rate, or "
                    + "discriminatorOptimizer.clipNorm=1"
            }
            // A spike moves what is usual by little, a new level by and by.
            let share = 1 / Double(min(10, memory.penalties + 1))
            let known = memory.penalties < 10 ? penalty : min(penalty, 2 * usual)
            memory.penalty += share * (known - usual)
            memory.penalties += 1
        }
        memory.hasSeenDiversity = memory.hasSeenDiversity || diversity > 2 * Self.leastDiversity
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

    /// Its key among a state's facts.
    static let fact = "supervisor"

    var text: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return (try? encoder.encode(memory)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// Restores a saved state; nil resets it.
    mutating func restore(_ text: String?) {
        memory = text.flatMap { try? JSONDecoder().decode(Memory.self, from: Data($0.utf8)) } ?? Memory()
    }
}
