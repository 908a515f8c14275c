import Torch

/// A network or a part of one: its parameters, buffers and parts are the stored properties of those types.
///
/// Keys are PyTorch's: property names in snake case, joined by dots; elements of an array by their index. Superclass
/// first, declaration order. `Parameter`, `Buffer`, `Module`, their optionals and arrays count; all else is ignored.
open class Module: CustomStringConvertible {
    /// Whether layers such as batch normalization behave as in training.
    public private(set) var isTraining = true

    /// Whether parts compute their inner values again in the backward pass rather than keep them; see `recomputed`.
    public private(set) var recomputesParts = false

    public init() {}

    /// A part found by reflection.
    public enum Part {
        case parameter(Parameter)
        case buffer(Buffer)
        case module(Module)
    }

    /// The direct parts in order, under their keys.
    open var parts: [(key: String, part: Part)] {
        var found: [(key: String, part: Part)] = []
        var mirrors: [Mirror] = []
        var mirror: Mirror? = Mirror(reflecting: self)
        while let level = mirror {
            mirrors.append(level)
            mirror = level.superclassMirror
        }
        for child in mirrors.reversed().flatMap(\.children) {
            guard let label = child.label else { continue }
            for (suffix, part) in Self.parts(in: child.value) {
                require(
                    !label.hasPrefix("$"), "\(type(of: self)): a lazy property cannot hold parameters")
                found.append((Self.snakeCase(label) + suffix, part))
            }
        }
        return found
    }

    private static func parts(in value: Any) -> [(suffix: String, part: Part)] {
        switch value {
        case let parameter as Parameter: return [("", .parameter(parameter))]
        case let buffer as Buffer: return [("", .buffer(buffer))]
        case let module as Module: return [("", .module(module))]
        case let modules as [Module]: return modules.enumerated().map { (".\($0)", .module($1)) }
        case let parameters as [Parameter]: return parameters.enumerated().map { (".\($0)", .parameter($1)) }
        case let buffers as [Buffer]: return buffers.enumerated().map { (".\($0)", .buffer($1)) }
        default: return []
        }
    }

    /// "runningMean" to "running_mean".
    private static func snakeCase(_ name: String) -> String {
        var key = ""
        for character in name {
            if character.isUppercase, !key.isEmpty { key.append("_") }
            key.append(contentsOf: character.lowercased())
        }
        return key
    }

    /// The direct parts that are modules.
    public final var children: [(key: String, module: Module)] {
        parts.compactMap { key, part in if case .module(let module) = part { (key, module) } else { nil } }
    }

    /// Fills the parameters with starting values; the default asks every part in order.
    open func initialize(_ random: RandomSource) {
        for (_, child) in children { child.initialize(random) }
    }

    /// Switches this module and all its parts to training or to use.
    public final func train(_ isTraining: Bool = true) {
        self.isTraining = isTraining
        for (_, child) in children { child.train(isTraining) }
    }

    /// Lets this module and all its parts trade time for memory, or stop.
    public final func setCheckpointed(_ recomputes: Bool = true) {
        recomputesParts = recomputes
        for (_, child) in children { child.setCheckpointed(recomputes) }
    }

    /// What a description adds after the type, such as "in 3, out 64".
    open var details: String { "" }

    /// The module and its parts as an indented outline with parameter counts.
    public final var description: String { outline(key: nil, indent: "") }

    private func outline(key: String?, indent: String) -> String {
        var line = indent + (key.map { "(\($0)) " } ?? "") + "\(type(of: self))"
        if !details.isEmpty { line += "(\(details))" }
        let own = children
        if own.isEmpty { return line }
        return ([line] + own.map { $1.outline(key: $0, indent: indent + "  ") }).joined(separator: "\n")
    }
}

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

/// Why a state does not fit a module: every key that is missing, unexpected or of another shape.
public struct StateMismatch: Error, CustomStringConvertible, Sendable {
    /// A key whose shapes differ.
    public struct Misshaped: Sendable, Equatable {
        public let key: String
        public let expected: [Int]
        public let received: [Int]
    }

    public let missing: [String]
    public let unexpected: [String]
    public let misshaped: [Misshaped]

    /// Compares keys and shapes.
    public init(own: [(key: String, tensor: Tensor)], given: [(key: String, tensor: Tensor)]) {
        let shapes = Dictionary(
            given.map { ($0.key, $0.tensor.shape) }, uniquingKeysWith: { first, _ in first })
        let known = Set(own.map(\.key))
        missing = own.map(\.key).filter { shapes[$0] == nil }
        unexpected = given.map(\.key).filter { !known.contains($0) }
        misshaped = own.compactMap { key, tensor in
            guard let shape = shapes[key], shape != tensor.shape else { return nil }
            return .init(key: key, expected: tensor.shape, received: shape)
        }
    }

    public var isEmpty: Bool { missing.isEmpty && unexpected.isEmpty && misshaped.isEmpty }

    public var description: String {
        var lines: [String] = []
        if !missing.isEmpty { lines.append("missing (\(missing.count)): " + missing.joined(separator: ", ")) }
        if !unexpected.isEmpty {
            lines.append("unexpected (\(unexpected.count)): " + unexpected.joined(separator: ", "))
        }
        if !misshaped.isEmpty {
            let list = misshaped.map { "\($0.key) expected \($0.expected), got \($0.received)" }
            lines.append("of another shape (\(misshaped.count)): " + list.joined(separator: "; "))
        }
        return "the weights do not fit the network\n  " + lines.joined(separator: "\n  ")
    }
}

/// A tensor that is trained and saved. A stored `Tensor` never is; only this type counts.
public final class Parameter {
    /// A leaf that collects gradients.
    public internal(set) var value: Tensor

    public init(_ value: Tensor) { self.value = value.detached().contiguous().requiringGradient() }

    /// Zeros of a shape.
    public convenience init(shape: [Int]) { self.init(Tensor.zeros(shape)) }

    /// Ones of a shape.
    public convenience init(onesOf shape: [Int]) { self.init(Tensor.ones(shape)) }

    /// Whether it is saved but not trained for now: no gradient flows to it.
    public var isFrozen: Bool {
        get { !value.requiresGradient }
        set { value.requiringGradient(!newValue) }
    }
}

/// A tensor that is saved but not trained, such as running statistics.
public final class Buffer {
    public internal(set) var value: Tensor

    public init(_ value: Tensor) { self.value = value.detached() }
}
