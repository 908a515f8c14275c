import Recipes
import Torch

/// Current phase of a restorer's training, and the course of its pixel loss.
final class PhaseClock {
    /// Phases in their order.
    enum Phase: Int, CaseIterable {
        case warp, dropout, plain, adversarial

        /// Name in messages.
        var title: String {
            switch self {
            case .warp: "warped inputs"
            case .dropout: "learning-rate dropout"
            case .plain: "unwarped inputs"
            case .adversarial: "adversarial"
            }
        }
    }

    /// Result of an observed step.
    enum Event: Equatable {
        case nothing
        /// The next phase starts: at a plateau of the loss, or because the maximum length is reached.
        case next(isPlateau: Bool)
        /// The pixel loss has risen above the limit in the adversarial phase.
        case collapse(from: Double, to: Double)
    }

    /// Indices of the saved values. `began`, `bestAt` and `windowBegan` are numbers of images; `best`, `latest` and `before`
    /// are mean pixel losses of a window; `sum` and `count` belong to the current window.
    private enum Index: Int, CaseIterable {
        case phase, began, best, bestAt, sum, count, windowBegan, latest, before, collapses
    }

    private let settings: PhasesSettings
    private let memory = Tensor.zeros([Index.allCases.count], dtype: .float64)

    init(_ settings: PhasesSettings) {
        self.settings = settings
        phase = phases[0]
    }

    /// Tensors of a saved state.
    var state: [(key: String, tensor: Tensor)] { [("memory", memory)] }

    private subscript(index: Index) -> Double {
        get { memory.doubles()[index.rawValue] }
        set {
            var values = memory.doubles()
            values[index.rawValue] = newValue
            withoutGradients { memory.copy_(Tensor(doubles: values)) }
        }
    }

    /// Phases of the recipe.
    private var phases: [Phase] {
        let found = Phase.allCases.filter { phase in
            switch phase {
            case .warp, .dropout, .plain: limits(phase).maxKimg > 0
            case .adversarial: settings.adversarialWeight > 0
            }
        }
        return found.isEmpty ? [.plain] : found
    }

    private func limits(_ phase: Phase) -> PhaseSettings {
        switch phase {
        case .warp: settings.warp
        case .dropout: settings.dropout
        case .plain: settings.plain
        case .adversarial: .init()
        }
    }

    /// Current phase.
    private(set) var phase: Phase {
        get { Phase(rawValue: Int(self[.phase])) ?? .plain }
        set { self[.phase] = Double(newValue.rawValue) }
    }

    /// What the current phase determines in the work of a step.
    struct Work {
        /// Whether steps have learning-rate dropout: from the phase `dropout` on, if the recipe has it.
        let hasDropout: Bool
        /// Whether the perceptual loss applies.
        let comparesFeatures: Bool
        /// Weight of the adversarial loss.
        let adversarialWeight: Double
        /// Numbers that differ between phases with different work.
        let kind: [Int]
    }

    /// Work of the current phase.
    var work: Work {
        let phase = phase
        return Work(
            hasDropout: settings.dropout.maxKimg > 0 && phase.rawValue >= Phase.dropout.rawValue,
            comparesFeatures: phase == .adversarial || !settings.pixelsFirst,
            adversarialWeight: adversarialWeight, kind: [phase.rawValue, collapses])
    }

    /// Whether inputs are warped.
    var warps: Bool { phase == .warp || phase == .dropout }
    /// Number of collapses in the adversarial phase.
    var collapses: Int { Int(self[.collapses]) }
    /// Current weight of the adversarial loss: halved by every collapse, 0 before the adversarial phase.
    var adversarialWeight: Double {
        guard phase == .adversarial else { return 0 }
        return (0..<collapses).reduce(settings.adversarialWeight) { weight, _ in weight / 2 }
    }

    /// Observes the pixel loss of a step.
    /// - Parameter images: number of images seen after the step.
    func observe(_ loss: Double, images: Int) -> Event {
        let now = Double(images)
        self[.sum] += loss
        self[.count] += 1
        // A quarter of the patience.
        let window = 250 * settings.patienceKimg
        guard now - self[.windowBegan] >= window else { return end(at: now, isFlat: false) }
        let mean = self[.sum] / self[.count]
        self[.latest] = mean
        (self[.sum], self[.count], self[.windowBegan]) = (0, 0, now)
        if phase == .adversarial {
            let before = self[.before]
            if before > 0, mean > settings.collapseFactor * before {
                self[.collapses] += 1
                return .collapse(from: before, to: mean)
            }
            return .nothing
        }
        if self[.best] == 0 || mean < self[.best] * (1 - settings.minGain) {
            (self[.best], self[.bestAt]) = (mean, now)
        }
        return end(at: now, isFlat: now - self[.bestAt] >= 1000 * settings.patienceKimg)
    }

    /// Starts the next phase if the current one has reached a plateau or its maximum length.
    private func end(at now: Double, isFlat: Bool) -> Event {
        guard phase != .adversarial, let next = phases.first(where: { $0.rawValue > phase.rawValue }) else {
            return .nothing
        }
        let (limits, age) = (limits(phase), now - self[.began])
        let isPlateau = isFlat && age >= 1000 * limits.minKimg
        guard isPlateau || age >= 1000 * limits.maxKimg else { return .nothing }
        if next == .adversarial {
            self[.before] = self[.count] > 0 ? self[.sum] / self[.count] : self[.latest]
        }
        phase = next
        (self[.began], self[.best], self[.bestAt]) = (now, 0, now)
        (self[.sum], self[.count], self[.windowBegan]) = (0, 0, now)
        return .next(isPlateau: isPlateau)
    }
}
