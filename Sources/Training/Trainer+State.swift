import Checkpoints
import Torch
import TorchNN

extension Trainer {
    /// Everything that a step changes, except for the place in the data.
    public func checkpoint() -> Checkpoint {
        var checkpoint = Checkpoint(recipe: recipe, clock: clock)
        for (name, tensors) in sections { checkpoint.add(name, tensors) }
        checkpoint.add(
            "random",
            streams.map { name, source in
                let state = source.state
                return (name, Tensor(bytes: state, shape: [state.count], dtype: .uint8))
            })
        checkpoint.facts = facts
        checkpoint.facts["precision"] = precision.rawValue
        if !recoveries.isEmpty { checkpoint.facts[RecoveryHistory.fact] = recoveries.text }
        return checkpoint
    }

    /// Goes on from a saved state.
    /// - Throws: `CheckpointError` with everything that does not fit, before anything has changed.
    public func restore(_ checkpoint: Checkpoint) throws {
        let pairs = sections.map { (name: $0.name, own: $0.tensors, given: checkpoint.section($0.name)) }
        let problems = pairs.compactMap { name, own, given -> String? in
            if given.isEmpty, name == HealthStatistics.section { return nil }
            if given.isEmpty && !own.isEmpty {
                return "\(name): missing; the file is a model, or of another recipe"
            }
            let mismatch = StateMismatch(own: own, given: given)
            return mismatch.isEmpty ? nil : "\(name): \(mismatch)"
        }
        guard problems.isEmpty else { throw CheckpointError(problems.joined(separator: "\n  ")) }
        let given = Dictionary(
            checkpoint.section("random").map { ($0.key, $0.tensor) }, uniquingKeysWith: { first, _ in first })
        let states = try streams.map { name, source in
            guard let state = given[name]?.bytes() else {
                throw CheckpointError("random.\(name): missing; the file is a model, not a run's state")
            }
            do { try RandomSource(seed: 0).restore(state) } catch {
                throw CheckpointError("random.\(name): \(error)")
            }
            return (source, state)
        }
        withoutGradients {
            // A state without sums of health begins new ones.
            for (_, own, given) in pairs { Self.copy(given, to: own) }
        }
        for (source, state) in states { try source.restore(state) }
        clock = checkpoint.clock
        clockChanged()
        recoveries = checkpoint.facts[RecoveryHistory.fact].flatMap(RecoveryHistory.init) ?? RecoveryHistory()
    }

    /// Values by key; 0 where none is given.
    static func copy(
        _ given: [(key: String, tensor: Tensor)], to own: [(key: String, tensor: Tensor)]
    ) {
        let values = Dictionary(given.map { ($0.key, $0.tensor) }, uniquingKeysWith: { first, _ in first })
        for (key, tensor) in own {
            if let value = values[key] { tensor.copy_(value) } else { tensor.zero_() }
        }
    }

    /// The first tensor of the state that holds a number that is not finite.
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
