import Torch

/// Runs the device work of training steps, on CUDA as graphs that are recorded once and replayed.
///
/// A whole step is one graph, so all steps can share the memory of one pool. Steps with different work, such as steps with a
/// lazy regularizer or after a growth of the networks, have graphs of their own.
final class StepRecorder {
    /// Everything that changes the work of a step, apart from `RecordedScalars`.
    typealias Key = [Int]

    /// What a recorder does with the work.
    enum Mode {
        /// Calls it.
        case direct
        /// Records it after some steps, and replays it from then on.
        case graphs
        /// Calls it as it is recorded, without graphs: a check on the CPU that it can be recorded.
        case rehearsal
    }

    private enum Entry {
        case warmingUp(steps: Int)
        case recorded(DeviceGraph, RecordedScalars)
        case rehearsed(RecordedScalars, calls: [String])
    }

    /// Steps of each kind that run directly before the recording. They create the state of optimizers and select algorithms.
    static let warmUpSteps = 3

    private(set) var mode: Mode
    /// Reason why steps are not recorded, for one line of output; nil if they are or need not be.
    private(set) var obstacle: String?
    private let device: Device
    private var entries: [Key: Entry] = [:]
    private var pool: DeviceGraph?
    /// Scalars of the work that is being recorded; nil while work runs directly.
    private var scalars: RecordedScalars?

    init(mode: Mode, device: Device) { (self.mode, self.device) = (mode, device) }

    /// Whether the inputs of a step must be in tensors that stay in place.
    var isOn: Bool { mode != .direct }

    /// Runs all steps as they are recorded, on the CPU, from now on.
    func rehearse() { mode = .rehearsal }

    /// Number of kinds of steps that were recorded or rehearsed.
    var recordedKinds: Int {
        entries.values.count { if case .warmingUp = $0 { false } else { true } }
    }

    /// Runs all steps directly from now on.
    func turnOff(because reason: String?) {
        (mode, obstacle) = (.direct, reason)
        (entries, pool) = ([:], nil)
    }

    /// A factor whose value can change from step to step.
    func factor(_ value: @escaping () -> Double) -> Factor {
        scalars?.factor(value, isImmediate: mode == .rehearsal) ?? .number(value())
    }

    /// Runs a step.
    /// - Parameters:
    ///   - key: everything that changes the work, apart from factors.
    ///   - body: device work of the step. Effects on the host must not matter, because a replay does not call it.
    func run(_ key: Key, _ body: () -> Void) {
        guard isOn else { return body() }
        switch entries[key] ?? .warmingUp(steps: 0) {
        case .warmingUp(let steps) where steps < Self.warmUpSteps:
            entries[key] = .warmingUp(steps: steps + 1)
            body()
        case .warmingUp:
            if mode == .rehearsal { rehearse(key, nil, body) } else { record(key, body) }
        case .recorded(let graph, let scalars):
            scalars.update()
            graph.replay()
        case .rehearsed(_, let calls): rehearse(key, calls, body)
        }
    }

    private func record(_ key: Key, _ body: () -> Void) {
        let scalars = RecordedScalars(on: device)
        self.scalars = scalars
        defer { self.scalars = nil }
        do {
            let graph = try DeviceGraph(sharingMemoryOf: pool, body)
            pool = pool ?? graph
            entries[key] = .recorded(graph, scalars)
            scalars.update()
            graph.replay()
        } catch {
            turnOff(because: "\(error)")
            self.scalars = nil
            body()
        }
    }

    /// Traps if the work copies between host and device, or if its operator calls differ from those of an earlier step.
    private func rehearse(_ key: Key, _ earlier: [String]?, _ body: () -> Void) {
        let scalars = RecordedScalars(on: device)
        self.scalars = scalars
        let trace = OperatorTrace()
        trace.record { withoutHostTransfers(body) }
        self.scalars = nil
        if let earlier {
            let differing = zip(earlier, trace.calls).first { $0 != $1 }
            require(
                differing == nil && earlier.count == trace.calls.count,
                "StepRecorder: two steps of one kind differ: "
                    + (differing.map { "\($0) and \($1)" }
                        ?? "\(earlier.count) and \(trace.calls.count) operators"))
        }
        entries[key] = .rehearsed(scalars, calls: trace.calls)
    }
}
