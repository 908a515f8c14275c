import CTorch

// The only file, with Engine.swift, that touches the door: raw handles, statuses, operator calls.

/// The engine's table; loads it at first use.
var api: ct_api {
    @inline(__always) get {
        if let engine = ct_engine() { return engine.pointee }
        do { try Engine.load() } catch { fatalError("\(error)") }
        return ct_engine()!.pointee
    }
}

/// Text of the engine's last error on this thread.
func lastError() -> String { String(cString: api.last_error()) }

/// Traps on a failure that only a mistake of the program can cause.
func check(
    _ status: ct_status, _ what: @autoclosure () -> String, file: StaticString = #fileID, line: UInt = #line
) {
    if status != CT_OK { fatalError("\(what()): \(lastError())", file: file, line: line) }
}

/// A value that an operator takes.
package protocol OperatorArgument {
    func append(to call: inout OperatorCall)
}

/// The arguments of one call, laid out for the door.
package struct OperatorCall {
    var values: [ct_value] = []
    var ints: [Int64] = []
    var doubles: [Double] = []
    var tensors: [ct_tensor?] = []
    var text: [CChar] = []
    var isPoisoned = false

    mutating func add(_ tag: ct_tag, i: Int64 = 0, count: Int = 0, d: Double = 0) {
        values.append(
            ct_value(
                tag: Int32(tag.rawValue), count: Int32(count), i: i, d: d, tensor: nil, generator: nil,
                name: nil))
    }

    mutating func add(_ argument: (any OperatorArgument)?) {
        if let argument { argument.append(to: &self) } else { add(CT_NONE) }
    }
}

/// Leaves an argument to the schema's default.
package struct SchemaDefault: OperatorArgument {
    package init() {}
    package func append(to call: inout OperatorCall) { call.add(CT_DEFAULT) }
}

extension Tensor: OperatorArgument {
    package func append(to call: inout OperatorCall) {
        call.add(CT_TENSOR)
        call.values[call.values.count - 1].tensor = handle
        if handle == nil { call.isPoisoned = true }
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

/// An element of a list that an operator takes.
package protocol OperatorListElement {
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
        for tensor in list {
            call.tensors.append(tensor.handle)
            if tensor.handle == nil { call.isPoisoned = true }
        }
    }
}

/// A list of tensors some of which are absent.
package struct OptionalTensors: OperatorArgument {
    let list: [Tensor?]
    package init(_ list: [Tensor?]) { self.list = list }
    package func append(to call: inout OperatorCall) {
        call.add(CT_TENSORS, i: Int64(call.tensors.count), count: list.count)
        for tensor in list { call.tensors.append(tensor?.handle) }
    }
}

/// Results that one call can have at most; the foreach operators return none.
private let resultCapacity = 64

/// Calls an operator by its schema name, by position and then by name; trailing arguments take the schema's defaults.
///
/// Traps with the engine's message, what was received and the caller's line; out of memory inside
/// `recoveringFromOutOfMemory` gives poisoned tensors instead.
@discardableResult
package func ops(
    _ name: StaticString, _ arguments: [(any OperatorArgument)?],
    named: KeyValuePairs<StaticString, any OperatorArgument> = [:], results expected: Int? = nil,
    _ file: StaticString, _ line: UInt
) -> [Tensor] {
    var call = OperatorCall()
    call.values.reserveCapacity(arguments.count + named.count)
    for argument in arguments { call.add(argument) }
    for (key, argument) in named {
        call.add(argument)
        call.values[call.values.count - 1].name = UnsafeRawPointer(key.utf8Start).assumingMemoryBound(
            to: CChar.self)
    }
    if call.isPoisoned { return (0..<(expected ?? 1)).map { _ in Tensor(poisoned: ()) } }
    let text = UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
    return withUnsafeTemporaryAllocation(of: ct_value.self, capacity: resultCapacity) { slots in
        var count: Int32 = 0
        // The handles stay valid because `arguments` outlives the call.
        let status = withExtendedLifetime((arguments, named)) {
            call.values.withUnsafeBufferPointer { values in
                call.ints.withUnsafeBufferPointer { ints in
                    call.doubles.withUnsafeBufferPointer { doubles in
                        call.tensors.withUnsafeBufferPointer { tensors in
                            call.text.withUnsafeBufferPointer { characters in
                                var packed = ct_arguments(
                                    values: values.baseAddress, count: Int32(values.count),
                                    ints: ints.baseAddress,
                                    doubles: doubles.baseAddress, tensors: tensors.baseAddress,
                                    text: characters.baseAddress)
                                return api.call(
                                    text, &packed, slots.baseAddress!, Int32(resultCapacity), &count)
                            }
                        }
                    }
                }
            }
        }
        guard status == CT_OK else {
            failed(status, name, arguments, file, line)
            return (0..<(expected ?? 1)).map { _ in Tensor(poisoned: ()) }
        }
        return (0..<Int(count)).map { index in
            let slot = slots[index]
            switch ct_tag(rawValue: UInt32(slot.tag)) {
            case CT_TENSOR: return Tensor(owning: slot.tensor!)
            case CT_INT, CT_BOOL: return Tensor(Double(slot.i), dtype: .int64)
            case CT_DOUBLE: return Tensor(slot.d, dtype: .float64)
            default: return Tensor(poisoned: ())
            }
        }
    }
}

/// Calls an operator that returns one tensor.
@discardableResult
package func op(
    _ name: StaticString, _ arguments: [(any OperatorArgument)?],
    named: KeyValuePairs<StaticString, any OperatorArgument> = [:], _ file: StaticString, _ line: UInt
) -> Tensor {
    let results = ops(name, arguments, named: named, file, line)
    precondition(
        results.count == 1, "\(name): expected one result, got \(results.count)", file: file, line: line)
    return results[0]
}

private func failed(
    _ status: ct_status, _ name: StaticString, _ arguments: [(any OperatorArgument)?], _ file: StaticString,
    _ line: UInt
) {
    if status == CT_OUT_OF_MEMORY, let scope = RecoveryScope.current {
        scope.error = scope.error ?? .outOfMemory("\(name): \(lastError())")
        return
    }
    let received = arguments.map { argument in
        switch argument {
        case let tensor as Tensor: tensor.summary
        case let list as [Tensor]: "\(list.count) tensors"
        case let value?: "\(value)"
        case nil: "none"
        }
    }
    fatalError(
        "\(name): \(lastError()) — received (\(received.joined(separator: ", ")))", file: file, line: line)
}
