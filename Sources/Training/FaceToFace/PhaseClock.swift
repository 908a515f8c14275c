import Recipes
import Torch

/// Where a restorer's run stands among its phases, and what it has seen of the loss of pixels.
final class PhaseClock {
    /// The phases in their order.
    enum Phase: Int, CaseIterable {
        case warp, dropout, plain, adversarial

        /// As a reader knows it.
        var title: String {
            switch self {
            case .warp: "bent inputs"
            case .dropout: "learning-rate dropout"
            case .plain: "inputs as they are"
            case .adversarial: "against the critic"
            }
        }
    }

    /// What a step's loss has led to.
    enum Event: Equatable {
        case nothing
        /// The next phase begins; whether because the loss no longer falls.
        case next(isPlateau: Bool)
        /// The critic has made the pictures bad.
        case fell(from: Double, to: Double)
    }

    private enum Place: Int, CaseIterable {
        case phase, began, best, bestAt, sum, count, windowBegan, latest, before, falls
    }

    private let settings: PhasesSettings
    private let memory = Tensor.zeros([Place.allCases.count], dtype: .float64)

    init(_ settings: PhasesSettings) {
        self.settings = settings
        phase = phases[0]
    }

    /// What a saved state keeps.
    var state: [(key: String, tensor: Tensor)] { [("memory", memory)] }

    private subscript(place: Place) -> Double {
        get { memory.doubles()[place.rawValue] }
        set {
            var values = memory.doubles()
            values[place.rawValue] = newValue
            withoutGradients { memory.copy_(Tensor(doubles: values)) }
        }
    }

    /// The phases that this recipe has.
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

    private(set) var phase: Phase {
        get { Phase(rawValue: Int(self[.phase])) ?? .plain }
        set { self[.phase] = Double(newValue.rawValue) }
    }

    var warps: Bool { phase == .warp || phase == .dropout }
    /// From the phase of that name on, where the recipe has it.
    var drops: Bool { settings.dropout.maxKimg > 0 && phase.rawValue >= Phase.dropout.rawValue }
    /// Whether the perceptual term counts.
    var comparesFeatures: Bool { phase == .adversarial || !settings.pixelsFirst }
    /// Times that the network was sent back.
    var falls: Int { Int(self[.falls]) }
    /// Of the critic's opinion now.
    var adversarialWeight: Double {
        guard phase == .adversarial else { return 0 }
        return (0..<falls).reduce(settings.adversarialWeight) { weight, _ in weight / 2 }
    }

    /// Takes the mean loss of pixels of some steps.
    /// - Parameter images: seen when they ended.
    func observe(_ loss: Double, images: Int) -> Event {
        let now = Double(images)
        self[.sum] += loss
        self[.count] += 1
        let window = 250 * settings.patienceKimg
        guard now - self[.windowBegan] >= window else { return ends(now, false) }
        let mean = self[.sum] / self[.count]
        self[.latest] = mean
        (self[.sum], self[.count], self[.windowBegan]) = (0, 0, now)
        if phase == .adversarial {
            let before = self[.before]
            if before > 0, mean > settings.collapseFactor * before {
                self[.falls] += 1
                return .fell(from: before, to: mean)
            }
            return .nothing
        }
        if self[.best] == 0 || mean < self[.best] * (1 - settings.minGain) {
            (self[.best], self[.bestAt]) = (mean, now)
        }
        return ends(now, now - self[.bestAt] >= 1000 * settings.patienceKimg)
    }

    /// Whether the phase is over.
    private func ends(_ now: Double, _ isFlat: Bool) -> Event {
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
