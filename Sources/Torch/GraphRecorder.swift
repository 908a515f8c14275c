/// Runs device work that repeats, on CUDA as graphs that are recorded once and replayed.
///
/// Work of different kinds has graphs of its own. All share the memory of one pool, so a kind must not leave results in
/// temporary tensors for another one.
package final class GraphRecorder {
    /// Everything that changes the work, apart from factors.
    package typealias Kind = [Int]

    /// What a recorder does with the work.
    private enum Mode {
        /// Calls it.
        case direct
        /// Records it after some runs, and replays it from then on.
        case graphs
        /// Calls it as it is recorded, without graphs.
        case rehearsal
    }

    private enum Entry {
        case warmingUp(runs: Int)
        case recorded(DeviceGraph, RecordedScalars)
        case rehearsed(calls: [String])
    }

    /// Runs of each kind before the recording. They create state, such as that of optimizers, and select algorithms.
    private static let warmUpRuns = 3

    private var mode = Mode.direct
    /// Reason why work on CUDA is not recorded; nil if it is, or if that was not requested.
    package private(set) var obstacle: String?
    private let device: Device
    private var entries: [Kind: Entry] = [:]
    private var pool: DeviceGraph?
    /// Scalars of the work that is being recorded; nil while work runs directly.
    private var scalars: RecordedScalars?

    /// Creates a recorder. On CUDA, this thread uses its own stream from then on, which recording requires. On the CPU, work
    /// runs directly.
    package init(on device: Device) {
        self.device = device
        guard device != .cpu else { return }
        Engine.useOwnStream(on: device)
        obstacle = DeviceGraph.obstacle(on: device)
        mode = obstacle == nil ? .graphs : .direct
    }

    /// Whether the inputs of the work must be in tensors that stay in place.
    package var isOn: Bool { mode != .direct }

    /// Runs all work on the CPU as it would be recorded, and traps if it could not be replayed.
    package func rehearse() { mode = .rehearsal }

    /// Number of kinds that were recorded or rehearsed.
    package var recordedKinds: Int {
        entries.values.count { if case .warmingUp = $0 { false } else { true } }
    }

    /// Runs all work directly from now on.
    package func turnOff(because reason: String?) {
        (mode, obstacle) = (.direct, reason)
        (entries, pool) = ([:], nil)
    }

    /// A factor whose value can change from run to run.
    package func factor(_ value: @escaping () -> Double) -> Factor {
        scalars?.factor(value) ?? .number(value())
    }

    /// Runs work.
    /// - Parameters:
    ///   - kind: everything that changes the work, apart from factors.
    ///   - body: device work. Effects on the host must not matter, because a replay does not call it.
    package func run(_ kind: Kind, _ body: () -> Void) {
        guard isOn else { return body() }
        switch entries[kind] ?? .warmingUp(runs: 0) {
        case .warmingUp(let runs) where runs < Self.warmUpRuns:
            entries[kind] = .warmingUp(runs: runs + 1)
            body()
        case .warmingUp:
            if mode == .rehearsal { rehearse(kind, nil, body) } else { record(kind, body) }
        case .recorded(let graph, let scalars):
            scalars.update()
            graph.replay()
        case .rehearsed(let calls): rehearse(kind, calls, body)
        }
    }

    private func record(_ kind: Kind, _ body: () -> Void) {
        let scalars = RecordedScalars(on: device)
        do {
            let graph = try withScalars(scalars) { try DeviceGraph(sharingMemoryOf: pool, body) }
            pool = pool ?? graph
            entries[kind] = .recorded(graph, scalars)
            scalars.update()
            graph.replay()
        } catch {
            turnOff(because: "\(error)")
            body()
        }
    }

    /// Traps if the work copies between host and device, or if its operator calls differ from those of an earlier run.
    private func rehearse(_ kind: Kind, _ earlier: [String]?, _ body: () -> Void) {
        let trace = OperatorTrace()
        withScalars(RecordedScalars(on: device)) { trace.record { withoutHostTransfers(body) } }
        if let earlier {
            let differing = zip(earlier, trace.calls).first { $0 != $1 }
            require(
                differing == nil && earlier.count == trace.calls.count,
                "GraphRecorder: two runs of one kind differ: "
                    + (differing.map { "\($0) and \($1)" }
                        ?? "\(earlier.count) and \(trace.calls.count) operators"))
        }
        entries[kind] = .rehearsed(calls: trace.calls)
    }

    private func withScalars<Result>(_ scalars: RecordedScalars, _ body: () throws -> Result) rethrows
        -> Result
    {
        self.scalars = scalars
        defer { self.scalars = nil }
        return try body()
    }
}
