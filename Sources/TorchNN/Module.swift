import Torch

/// Base class of networks and layers.
///
/// Stored properties of type `Parameter`, `Buffer` and `Module`, their optionals and arrays, are the parts of a module;
/// reflection finds them. Other properties are ignored. Keys are those of PyTorch: property names in snake case,
/// joined by dots, with indices for array elements. The order is superclass first, then declaration order.
open class Module: CustomStringConvertible {
    /// Whether the module is in training mode, as opposed to evaluation mode.
    public private(set) var isTraining = true

    /// Whether layers recompute activations in the backward pass instead of storing them; see `recomputed`.
    public private(set) var isCheckpointed = false

    /// Creates a module in training mode.
    public init() {}

    /// A part of a module.
    public enum Part {
        /// A trained tensor.
        case parameter(Parameter)
        /// A saved tensor that is not trained.
        case buffer(Buffer)
        /// A submodule.
        case module(Module)
    }

    /// Direct parts with their keys, in order.
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
                    !label.hasPrefix("$"), "\(type(of: self)): a lazy property must not contain parameters")
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

    /// Converts "runningMean" to "running_mean".
    private static func snakeCase(_ name: String) -> String {
        var key = ""
        for character in name {
            if character.isUppercase, !key.isEmpty { key.append("_") }
            key.append(contentsOf: character.lowercased())
        }
        return key
    }

    /// Direct submodules with their keys, in order.
    public final var children: [(key: String, module: Module)] {
        parts.compactMap { key, part in if case .module(let module) = part { (key, module) } else { nil } }
    }

    /// Initializes the parameters. The default implementation initializes the submodules in order.
    open func initialize(_ random: RandomSource) {
        for (_, child) in children { child.initialize(random) }
    }

    /// Sets training mode, or evaluation mode if false, for this module and all submodules.
    public final func train(_ isTraining: Bool = true) {
        self.isTraining = isTraining
        for (_, child) in children { child.train(isTraining) }
    }

    /// Enables or disables gradient checkpointing for this module and all submodules. It saves memory and costs time.
    public final func setCheckpointed(_ isCheckpointed: Bool = true) {
        self.isCheckpointed = isCheckpointed
        for (_, child) in children { child.setCheckpointed(isCheckpointed) }
    }

    /// Text that the description shows after the type name, such as "in 3, out 64".
    open var details: String { "" }

    /// Indented outline of the module and its submodules.
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
    /// All parameters with their dotted keys. A shared parameter is listed once.
    public var parameters: [(key: String, parameter: Parameter)] {
        var found: [(key: String, parameter: Parameter)] = []
        var seen = Set<ObjectIdentifier>()
        visitTensors { key, part in
            if case .parameter(let parameter) = part, seen.insert(ObjectIdentifier(parameter)).inserted {
                found.append((key, parameter))
            }
        }
        return found
    }

    /// All buffers with their dotted keys.
    public var buffers: [(key: String, buffer: Buffer)] {
        var found: [(key: String, buffer: Buffer)] = []
        visitTensors { key, part in if case .buffer(let buffer) = part { found.append((key, buffer)) } }
        return found
    }

    /// Parameters and buffers with their dotted keys, in the order of PyTorch's state dictionaries.
    ///
    /// The tensors are not copies.
    public var state: [(key: String, tensor: Tensor)] {
        var found: [(key: String, tensor: Tensor)] = []
        visitTensors { key, part in
            switch part {
            case .parameter(let parameter): found.append((key, parameter.value.detached()))
            case .buffer(let buffer): found.append((key, buffer.value))
            case .module: break
            }
        }
        return found
    }

    /// Number of elements of all parameters.
    public var parameterCount: Int { parameters.reduce(0) { $0 + $1.parameter.value.count } }

    /// Calls `visit` for each parameter and buffer of this module and all submodules.
    private func visitTensors(prefix: String = "", _ visit: (String, Part) -> Void) {
        let own = parts
        // PyTorch's order: parameters, buffers, submodules. A list counts as a submodule.
        for (key, part) in own { if case .parameter = part, !key.contains(".") { visit(prefix + key, part) } }
        for (key, part) in own { if case .buffer = part, !key.contains(".") { visit(prefix + key, part) } }
        for (key, part) in own {
            if case .module(let module) = part {
                module.visitTensors(prefix: prefix + key + ".", visit)
            } else if key.contains(".") {
                visit(prefix + key, part)
            }
        }
    }

    /// Copies values by key into the parameters and buffers, in place.
    /// - Parameters:
    ///   - state: tensors by key, with the shapes of the parameters and buffers.
    ///   - strict: require equal sets of keys. If false, other keys are ignored.
    /// - Throws: `StateMismatch` with all differences. No value has changed then.
    public func load(_ state: [(key: String, tensor: Tensor)], strict: Bool = true) throws {
        let report = mismatch(with: state)
        if !report.misshaped.isEmpty || (strict && !report.isEmpty) { throw report }
        let given = Dictionary(state.map { ($0.key, $0.tensor) }, uniquingKeysWith: { first, _ in first })
        withoutGradients {
            for (key, tensor) in self.state { if let source = given[key] { tensor.copy_(source) } }
        }
    }

    /// Differences in keys and shapes between this module and a state; empty if `load` accepts it.
    public func mismatch(with state: [(key: String, tensor: Tensor)]) -> StateMismatch {
        StateMismatch(own: self.state, given: state)
    }

    /// Freezes all parameters, or unfreezes them if false.
    public func freeze(_ isFrozen: Bool = true) {
        for (_, parameter) in parameters { parameter.isFrozen = isFrozen }
    }

    /// Runs `body` while all parameters are frozen, so that the tape stores less.
    /// - Throws: the error that `body` throws.
    public func frozen<Result>(_ body: () throws -> Result) rethrows -> Result {
        let trained = parameters.map(\.parameter).filter { !$0.isFrozen }
        for parameter in trained { parameter.isFrozen = true }
        defer { for parameter in trained { parameter.isFrozen = false } }
        return try body()
    }

    /// Moves all parameters and buffers to a device, and tensors of rank 4 to a memory format.
    public func move(to device: Device, format: MemoryFormat = .contiguous) {
        visitTensors { _, part in
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
        let moved = tensor.detached().to(device)
        return moved.rank == 4 ? moved.to(format) : moved
    }

    /// Device of the parameters; the CPU if there are none.
    public var device: Device { parameters.first?.parameter.value.device ?? .cpu }
}

/// All differences between a state and the module or optimizer that loads it.
public struct StateMismatch: Error, CustomStringConvertible, Sendable {
    /// A key with different shapes.
    public struct Misshaped: Sendable, Equatable {
        /// Key of the tensor.
        public let key: String
        /// Shape in the module or optimizer.
        public let expected: [Int]
        /// Shape in the state.
        public let received: [Int]
    }

    /// Keys that the state lacks.
    public let missing: [String]
    /// Keys of the state that the module or optimizer lacks.
    public let unexpected: [String]
    /// Keys with different shapes.
    public let misshaped: [Misshaped]

    /// Compares the keys and shapes of a module or optimizer (`own`) with those of a state (`given`).
    public init(own: [(key: String, tensor: Tensor)], given: [(key: String, tensor: Tensor)]) {
        self.init(
            ownShapes: own.map { ($0.key, $0.tensor.shape) },
            givenShapes: given.map { ($0.key, $0.tensor.shape) })
    }

    /// Compares the keys and shapes of a module or optimizer (`ownShapes`) with those of a state (`givenShapes`).
    public init(ownShapes: [(key: String, shape: [Int])], givenShapes: [(key: String, shape: [Int])]) {
        let shapes = Dictionary(
            givenShapes.map { ($0.key, $0.shape) }, uniquingKeysWith: { first, _ in first })
        let known = Set(ownShapes.map(\.key))
        missing = ownShapes.map(\.key).filter { shapes[$0] == nil }
        unexpected = givenShapes.map(\.key).filter { !known.contains($0) }
        misshaped = ownShapes.compactMap { key, expected in
            guard let shape = shapes[key], shape != expected else { return nil }
            return .init(key: key, expected: expected, received: shape)
        }
    }

    /// Whether there is no difference.
    public var isEmpty: Bool { missing.isEmpty && unexpected.isEmpty && misshaped.isEmpty }

    /// Message that lists all differences.
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

/// A tensor that a module trains and saves. Stored properties of type `Tensor` are neither trained nor saved.
public final class Parameter {
    /// Current value, a leaf tensor that requires gradients unless the parameter is frozen.
    public internal(set) var value: Tensor

    /// Creates a parameter from a tensor of any shape.
    public init(_ value: Tensor) { self.value = value.detached().contiguous().requiringGradient() }

    /// Creates a parameter of zeros.
    public convenience init(shape: [Int]) { self.init(Tensor.zeros(shape)) }

    /// Creates a parameter of ones.
    public convenience init(onesOf shape: [Int]) { self.init(Tensor.ones(shape)) }

    /// Whether the parameter is saved but not trained; it then has no gradient.
    public var isFrozen: Bool {
        get { !value.requiresGradient }
        set { value.requiringGradient(!newValue) }
    }
}

/// A tensor that a module saves but does not train, such as running statistics.
public final class Buffer {
    /// Current value, without gradients.
    public internal(set) var value: Tensor

    /// Creates a buffer from a tensor of any shape.
    public init(_ value: Tensor) { self.value = value.detached() }
}
