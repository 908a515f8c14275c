import CTorch

/// Calls an operator of libtorch by its schema name.
///
/// Omitted arguments have the defaults of the schema. Traps with the received arguments, libtorch's message and the
/// caller's line. Out of memory inside `recoveringFromOutOfMemory` returns poisoned tensors instead.
/// - Parameters:
///   - arguments: positional arguments; nil is None.
///   - named: keyword arguments.
///   - expected: number of tensors that the operator returns; each tensor of a list counts.
/// - Returns: `expected` tensors, with the shapes that the operator defines.
@discardableResult
package func ops(
    _ name: StaticString, _ arguments: [(any OperatorArgument)?],
    named: KeyValuePairs<StaticString, any OperatorArgument> = [:], results expected: Int,
    _ file: StaticString, _ line: UInt
) -> [Tensor] {
    var call = OperatorCall()
    call.values.reserveCapacity(arguments.count + named.count)
    for argument in arguments { call.add(argument) }
    for (key, argument) in named {
        call.add(argument)
        call.values[call.values.count - 1].name = key.cString
    }
    if RecoveryScope.hasFailed { return (0..<expected).map { _ in Tensor(handle: nil) } }
    require(
        !call.isPoisoned,
        "\(name): received a tensor that was not computed for lack of memory; it must not leave recoveringFromOutOfMemory",
        file: file, line: line)
    OperatorTrace.current?.add(name, summary(name, arguments, named))
    return withUnsafeTemporaryAllocation(of: ct_tensor?.self, capacity: expected) { slots in
        slots.initialize(repeating: nil)
        // The handles in `call` are valid while the arguments are alive.
        let status = withExtendedLifetime((arguments, named)) {
            call.run(name, slots)
        }
        check(status, summary(name, arguments, named), file: file, line: line)
        return slots.map { slot in
            require(
                slot != nil || status != CT_OK, "\(name): returned an undefined tensor", file: file,
                line: line)
            return Tensor(handle: slot)
        }
    }
}

/// Calls an operator of libtorch that returns one tensor; see `ops`. The operator defines its shape.
@discardableResult
package func op(
    _ name: StaticString, _ arguments: [(any OperatorArgument)?],
    named: KeyValuePairs<StaticString, any OperatorArgument> = [:], _ file: StaticString, _ line: UInt
) -> Tensor {
    ops(name, arguments, named: named, results: 1, file, line)[0]
}

extension OperatorCall {
    fileprivate func run(_ name: StaticString, _ results: UnsafeMutableBufferPointer<ct_tensor?>) -> ct_status
    {
        values.withUnsafeBufferPointer { values in
            ints.withUnsafeBufferPointer { ints in
                doubles.withUnsafeBufferPointer { doubles in
                    tensors.withUnsafeBufferPointer { tensors in
                        text.withUnsafeBufferPointer { text in
                            var arguments = ct_arguments(
                                values: values.baseAddress, count: Int32(values.count),
                                ints: ints.baseAddress, doubles: doubles.baseAddress,
                                tensors: tensors.baseAddress, text: text.baseAddress)
                            return api.call(
                                name.cString, &arguments, results.baseAddress, Int32(results.count))
                        }
                    }
                }
            }
        }
    }
}

/// Text of a call for error messages, such as "conv2d(Float[1, 3, 8, 8], Float[4, 3, 3, 3], none, [2, 2])".
private func summary(
    _ name: StaticString, _ arguments: [(any OperatorArgument)?],
    _ named: KeyValuePairs<StaticString, any OperatorArgument>
) -> String {
    func text(_ argument: (any OperatorArgument)?) -> String {
        switch argument {
        case let tensor as Tensor: tensor.summary
        case let list as [Tensor] where list.count > 4: "\(list.count) tensors"
        case let list as [Tensor]: "[\(list.map(\.summary).joined(separator: ", "))]"
        case is RandomSource: "random"
        case let value?: "\(value)"
        case nil: "none"
        }
    }
    let all = arguments.map(text) + named.map { "\($0): \(text($1))" }
    return "\(name)(\(all.joined(separator: ", ")))"
}

/// A value that can be passed to an operator.
package protocol OperatorArgument {
    /// Appends the value to the arguments of a call.
    func append(to call: inout OperatorCall)
}

/// The arguments of one call in the layout of the C API. Handles are borrowed: the caller keeps the arguments alive.
package struct OperatorCall {
    var values: [ct_value] = []
    var ints: [Int64] = []
    var doubles: [Double] = []
    var tensors: [ct_tensor?] = []
    var text: [CChar] = []
    var isPoisoned = false

    /// Appends a value; `i` is an integer or the index of the first element of a list or text.
    mutating func add(_ tag: ct_tag, i: Int64 = 0, count: Int = 0, d: Double = 0) {
        values.append(
            ct_value(
                tag: Int32(tag.rawValue), count: Int32(count), i: i, d: d, tensor: nil, generator: nil,
                name: nil))
    }

    /// Appends one element of a list of tensors; nil is None.
    mutating func append(_ tensor: Tensor?) {
        tensors.append(tensor?.handle)
        if let tensor, tensor.isPoisoned { isPoisoned = true }
    }

    /// Appends an argument; nil is None.
    mutating func add(_ argument: (any OperatorArgument)?) {
        if let argument { argument.append(to: &self) } else { add(CT_NONE) }
    }
}

/// Placeholder for an argument with the default of the schema.
package struct SchemaDefault: OperatorArgument {
    package init() {}
    package func append(to call: inout OperatorCall) { call.add(CT_DEFAULT) }
}

extension Tensor: OperatorArgument {
    package func append(to call: inout OperatorCall) {
        call.add(CT_TENSOR)
        call.values[call.values.count - 1].tensor = handle
        if isPoisoned { call.isPoisoned = true }
    }
}
extension Int: OperatorArgument {
    package func append(to call: inout OperatorCall) { call.add(CT_INT, i: Int64(self)) }
}
extension Double: OperatorArgument {
    package func append(to call: inout OperatorCall) { call.add(CT_DOUBLE, d: self) }
}
extension Bool: OperatorArgument {
    package func append(to call: inout OperatorCall) { call.add(CT_BOOL, i: self ? 1 : 0) }
}
extension DType: OperatorArgument {
    package func append(to call: inout OperatorCall) { call.add(CT_INT, i: Int64(rawValue)) }
}
extension MemoryFormat: OperatorArgument {
    package func append(to call: inout OperatorCall) { call.add(CT_INT, i: Int64(rawValue)) }
}
extension Device: OperatorArgument {
    package func append(to call: inout OperatorCall) {
        call.add(CT_DEVICE, i: Int64(type), count: Int(index))
    }
}
extension String: OperatorArgument {
    package func append(to call: inout OperatorCall) {
        call.add(CT_STRING, i: Int64(call.text.count), count: utf8.count)
        call.text.append(contentsOf: utf8.map { CChar(bitPattern: $0) })
    }
}
extension RandomSource: OperatorArgument {
    package func append(to call: inout OperatorCall) {
        call.add(CT_GENERATOR)
        call.values[call.values.count - 1].generator = handle
    }
}
extension Array: OperatorArgument where Element: OperatorListElement {
    package func append(to call: inout OperatorCall) { Element.append(self, to: &call) }
}

/// An element of a list that can be passed to an operator.
package protocol OperatorListElement {
    /// Appends a list of values, as one argument, to the arguments of a call.
    static func append(_ list: [Self], to call: inout OperatorCall)
}

extension Int: OperatorListElement {
    package static func append(_ list: [Int], to call: inout OperatorCall) {
        call.add(CT_INTS, i: Int64(call.ints.count), count: list.count)
        call.ints.append(contentsOf: list.map(Int64.init))
    }
}
extension Bool: OperatorListElement {
    package static func append(_ list: [Bool], to call: inout OperatorCall) {
        call.add(CT_BOOLS, i: Int64(call.ints.count), count: list.count)
        call.ints.append(contentsOf: list.map { $0 ? 1 : 0 })
    }
}
extension Double: OperatorListElement {
    package static func append(_ list: [Double], to call: inout OperatorCall) {
        call.add(CT_DOUBLES, i: Int64(call.doubles.count), count: list.count)
        call.doubles.append(contentsOf: list)
    }
}
extension Tensor: OperatorListElement {
    package static func append(_ list: [Tensor], to call: inout OperatorCall) {
        call.add(CT_TENSORS, i: Int64(call.tensors.count), count: list.count)
        for tensor in list { call.append(tensor) }
    }
}

/// A list of optional tensors; nil is None.
package struct OptionalTensors: OperatorArgument {
    let list: [Tensor?]
    package init(_ list: [Tensor?]) { self.list = list }
    package func append(to call: inout OperatorCall) {
        call.add(CT_TENSORS, i: Int64(call.tensors.count), count: list.count)
        for tensor in list { call.append(tensor) }
    }
}
