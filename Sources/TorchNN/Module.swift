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
