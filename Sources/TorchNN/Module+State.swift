import Torch

extension Module {
    /// All parameters with their dotted keys; a shared one counts once.
    public var parameters: [(key: String, parameter: Parameter)] {
        var found: [(key: String, parameter: Parameter)] = []
        var seen = Set<ObjectIdentifier>()
        walk { key, part in
            if case .parameter(let parameter) = part, seen.insert(ObjectIdentifier(parameter)).inserted {
                found.append((key, parameter))
            }
        }
        return found
    }

    /// All buffers with their dotted keys.
    public var buffers: [(key: String, buffer: Buffer)] {
        var found: [(key: String, buffer: Buffer)] = []
        walk { key, part in if case .buffer(let buffer) = part { found.append((key, buffer)) } }
        return found
    }

    /// Parameters and buffers in the order of PyTorch's state dictionaries.
    public var state: [(key: String, tensor: Tensor)] {
        var found: [(key: String, tensor: Tensor)] = []
        walk { key, part in
            switch part {
            case .parameter(let parameter): found.append((key, parameter.value.detached()))
            case .buffer(let buffer): found.append((key, buffer.value))
            case .module: break
            }
        }
        return found
    }

    /// Number of trained values.
    public var parameterCount: Int { parameters.reduce(0) { $0 + $1.parameter.value.count } }

    private func walk(prefix: String = "", _ visit: (String, Part) -> Void) {
        let own = parts
        // PyTorch's order: a module's parameters, its buffers, then its parts; a list counts as a part.
        for (key, part) in own { if case .parameter = part, !key.contains(".") { visit(prefix + key, part) } }
        for (key, part) in own { if case .buffer = part, !key.contains(".") { visit(prefix + key, part) } }
        for (key, part) in own {
            if case .module(let module) = part {
                module.walk(prefix: prefix + key + ".", visit)
            } else if key.contains(".") {
                visit(prefix + key, part)
            }
        }
    }

    /// Takes values by key, in place; shapes must match and, unless `strict` is false, the keys too.
    ///
    /// Throws `StateMismatch` with everything that is wrong, before any value has changed.
    public func load(_ state: [(key: String, tensor: Tensor)], strict: Bool = true) throws {
        let report = mismatch(with: state)
        if !report.misshaped.isEmpty || (strict && !report.isEmpty) { throw report }
        let given = Dictionary(state.map { ($0.key, $0.tensor) }, uniquingKeysWith: { first, _ in first })
        withoutGradients {
            for (key, tensor) in self.state { if let source = given[key] { tensor.copy_(source) } }
        }
    }

    /// What would keep `load` from taking a state.
    public func mismatch(with state: [(key: String, tensor: Tensor)]) -> StateMismatch {
        StateMismatch(own: self.state, given: state)
    }

    /// Keeps all parameters as they are, or lets them be trained again.
    public func freeze(_ isFrozen: Bool = true) {
        for (_, parameter) in parameters { parameter.isFrozen = isFrozen }
    }

    /// Runs `body` while no gradients flow to the parameters; what it computes keeps less for them.
    public func frozen<Result>(_ body: () throws -> Result) rethrows -> Result {
        let trained = parameters.map(\.parameter).filter { !$0.isFrozen }
        for parameter in trained { parameter.isFrozen = true }
        defer { for parameter in trained { parameter.isFrozen = false } }
        return try body()
    }

    /// Moves everything to a device and, for the four-dimensional weights, to a memory format.
    public func move(to device: Device, format: MemoryFormat = .contiguous) {
        walk { _, part in
            switch part {
            case .parameter(let parameter):
                let isTrained = !parameter.isFrozen
                parameter.value = Self.moved(parameter.value, device, format).requiringGradient(isTrained)
            case .buffer(let buffer): buffer.value = Self.moved(buffer.value, device, format)
            case .module: break
            }
        }
    }

    private static func moved(_ tensor: Tensor, _ device: Device, _ format: MemoryFormat) -> Tensor {
        let there = tensor.detached().to(device)
        return there.rank == 4 ? there.to(format) : there
    }

    /// A device of the parameters (all are on the same).
    public var device: Device { parameters.first?.parameter.value.device ?? .cpu }
}
