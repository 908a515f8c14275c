import CTorch

/// A value that an operator takes.
package protocol OperatorArgument {
    func append(to call: inout OperatorCall)
}

/// The arguments of one call, laid out for the door. The handles are borrowed: keep the arguments alive.
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

    /// An element of a list of tensors; nil is an absent one.
    mutating func append(_ tensor: Tensor?) {
        tensors.append(tensor?.handle)
        if let tensor, tensor.isPoisoned { isPoisoned = true }
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
        for tensor in list { call.append(tensor) }
    }
}

/// A list of tensors some of which are absent.
package struct OptionalTensors: OperatorArgument {
    let list: [Tensor?]
    package init(_ list: [Tensor?]) { self.list = list }
    package func append(to call: inout OperatorCall) {
        call.add(CT_TENSORS, i: Int64(call.tensors.count), count: list.count)
        for tensor in list { call.append(tensor) }
    }
}
