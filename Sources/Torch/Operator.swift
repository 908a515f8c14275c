import CTorch

/// Calls an operator by its schema name, by position and then by name; trailing arguments take the schema's defaults.
///
/// Traps with what was received, the engine's message and the caller's line. Out of memory inside
/// `recoveringFromOutOfMemory` gives poisoned tensors instead.
/// - Parameter expected: how many tensors the operator gives, those of a list counted one by one.
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
        call.values[call.values.count - 1].name = key.forever
    }
    if RecoveryScope.hasFailed { return (0..<expected).map { _ in Tensor(handle: nil) } }
    require(
        !call.isPoisoned,
        "\(name): received a tensor for which there was no memory; it must not leave recoveringFromOutOfMemory",
        file: file, line: line)
    return withUnsafeTemporaryAllocation(of: ct_tensor?.self, capacity: expected) { slots in
        slots.initialize(repeating: nil)
        // The handles in `call` are valid for as long as the arguments live.
        let status = withExtendedLifetime((arguments, named)) {
            call.run(name, slots)
        }
        check(status, summary(name, arguments, named), file: file, line: line)
        return slots.map { slot in
            require(
                slot != nil || status != CT_OK, "\(name): gives an undefined tensor", file: file, line: line)
            return Tensor(handle: slot)
        }
    }
}

/// Calls an operator that gives one tensor.
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
                                name.forever, &arguments, results.baseAddress, Int32(results.count))
                        }
                    }
                }
            }
        }
    }
}

/// A call as an error shows it, such as "conv2d(Float[1, 3, 8, 8], Float[4, 3, 3, 3], none, [2, 2])".
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
