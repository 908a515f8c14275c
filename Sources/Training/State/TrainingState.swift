import Checkpoints
import Torch
import TorchNN

/// Combination of a registered tensor over the processes of a run.
public enum AveragingPolicy: Sendable {
    /// Equal on all processes, as a result of equal updates.
    case same
    /// The mean over processes.
    case mean
    /// The sum over processes.
    case sum
    /// Each process has its own values.
    case perProcess
}

/// Registry of all tensors and random streams that a training step changes. The parts that own them register them.
///
/// Saving, resuming and the check for finite values use this registry, so registration is the only step for a stateful part.
public final class TrainingState {
    /// Tensors of one part with their keys.
    public typealias Tensors = [(key: String, tensor: Tensor)]

    private struct Section {
        let name: String
        let policy: AveragingPolicy
        let isOptional: Bool
        let tensors: () -> Tensors
    }

    private var registered: [Section] = []
    /// Random streams, in the order of registration.
    public private(set) var streams: [(name: String, source: RandomSource)] = []

    /// Registers the tensors of a part.
    /// - Parameters:
    ///   - name: section of a saved state, such as `optimizer.generator`.
    ///   - policy: combination of the tensors over processes.
    ///   - isOptional: whether a saved state can lack this section; the tensors are then set to 0.
    ///   - tensors: returns the current tensors, of any shape; called at every use. An empty list is not saved.
    public func register(
        _ name: String, _ policy: AveragingPolicy = .same, isOptional: Bool = false,
        _ tensors: @escaping () -> Tensors
    ) {
        precondition(
            !registered.contains { $0.name == name }, "TrainingState: \(name) is registered twice")
        registered.append(Section(name: name, policy: policy, isOptional: isOptional, tensors: tensors))
    }

    /// Registers a random stream. Every process has its own.
    public func register(stream name: String, _ source: RandomSource) {
        precondition(!streams.contains { $0.name == name }, "TrainingState: \(name) is registered twice")
        streams.append((name, source))
    }

    /// Tensors of all parts.
    public var sections: [(name: String, tensors: Tensors)] {
        registered.map { ($0.name, $0.tensors()) }.filter { !$0.1.isEmpty }
    }

    /// Tensors of one part, of any shape; empty if the part is not registered.
    public func section(_ name: String) -> Tensors {
        registered.first { $0.name == name }?.tensors() ?? []
    }

    /// Tensors that processes combine, with their policies.
    public var averaged: [(policy: AveragingPolicy, tensor: Tensor)] {
        registered.filter { $0.policy == .mean || $0.policy == .sum }.flatMap { section in
            section.tensors().map { (section.policy, $0.tensor) }
        }
    }

    /// Adds all tensors and the positions of all streams to a checkpoint.
    func save(to checkpoint: inout Checkpoint) {
        for (name, tensors) in sections { checkpoint.add(name, tensors) }
        checkpoint.add(
            "random",
            streams.map { name, source in
                let state = source.state
                return (name, Tensor(bytes: state, shape: [state.count], dtype: .uint8))
            })
    }

    /// Restores all tensors and stream positions from a checkpoint.
    /// - Throws: `CheckpointError` with all mismatches; the state is then unchanged.
    func restore(from checkpoint: Checkpoint) throws {
        let pairs = registered.map { section in
            (section: section, own: section.tensors(), given: checkpoint.section(section.name))
        }
        let problems = pairs.compactMap { section, own, given -> String? in
            if own.isEmpty || (given.isEmpty && section.isOptional) { return nil }
            if given.isEmpty { return "\(section.name): missing; the file is a model, or its recipe differs" }
            let mismatch = StateMismatch(own: own, given: given)
            return mismatch.isEmpty ? nil : "\(section.name): \(mismatch)"
        }
        guard problems.isEmpty else { throw CheckpointError(problems.joined(separator: "\n  ")) }
        let given = Dictionary(
            checkpoint.section("random").map { ($0.key, $0.tensor) }, uniquingKeysWith: { first, _ in first })
        let positions = try streams.map { name, source in
            guard let state = given[name]?.bytes() else {
                throw CheckpointError("random.\(name): missing; the file is a model, not the state of a run")
            }
            guard Self.isState(state, of: source.device) else {
                // A run that continues on another kind of device. Its random numbers start from the saved state.
                return (source, Self.state(from: state, on: source.device))
            }
            if source.device == .cpu {
                do { try RandomSource(seed: 0).restore(state) } catch {
                    throw CheckpointError("random.\(name): \(error)")
                }
            }
            return (source, state)
        }
        withoutGradients { for (_, own, given) in pairs { Self.copy(given, to: own) } }
        for (source, state) in positions { try source.restore(state) }
    }

    /// Size of the state of a CUDA generator, in bytes: seed and offset.
    private static let sizeOnCUDA = 16

    private static func isState(_ state: [UInt8], of device: Device) -> Bool {
        (state.count == sizeOnCUDA) == (device != .cpu)
    }

    /// State of a generator whose seed depends on a state of another kind.
    private static func state(from other: [UInt8], on device: Device) -> [UInt8] {
        RandomSource(seed: RandomSource.seed(from: other), on: device).state
    }

    /// Copies values by key; tensors without a value are set to 0.
    static func copy(_ given: Tensors, to own: Tensors) {
        let values = Dictionary(given.map { ($0.key, $0.tensor) }, uniquingKeysWith: { first, _ in first })
        for (key, tensor) in own {
            if let value = values[key] { tensor.copy_(value) } else { tensor.zero_() }
        }
    }

    /// Key of the first tensor with a value that is not finite, such as `generator.main.0.weight`; nil if all are finite.
    public func firstNotFinite() -> String? {
        withoutGradients {
            for (name, tensors) in sections {
                for (key, tensor) in tensors
                where tensor.dtype.isFloatingPoint && tensor.isFinite().all().item() != 1 {
                    return "\(name).\(key)"
                }
            }
            return nil
        }
    }
}

/// Counter of steps, part of the training state.
final class StepCounter {
    private(set) var value = 0 { didSet { withoutGradients { stored.fill_(Double(value)) } } }
    private let stored = Tensor.zeros([], dtype: .float64)

    /// Counts steps.
    func advance(by steps: Int = 1) { value += steps }

    /// Reads the value from the registered tensor, after a saved state was restored.
    func reload() { value = Int(stored.item()) }

    var state: TrainingState.Tensors { [("steps", stored)] }
}
