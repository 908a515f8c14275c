/// Interpreter for pickles that contain a state dictionary.
///
/// It never executes code. Functions named by a pickle are restricted to a closed list (`PickleGlobal`) and
/// implemented here; any other name is an error. Time and memory are bounded by the length of the pickle and
/// `stepLimit`.
struct PickleMachine {
    private(set) var containers: [PickleContainer] = []
    var storages: [PickleStorage] = []
    var tensors: [PickleTensor] = []
    /// Offset of the first byte after the executed instructions.
    private(set) var position: Int

    let path: String
    let bytes: UnsafeRawBufferPointer
    private var stack: [PickleValue] = []
    private var marks: [Int] = []
    private var memo: [Int: PickleValue] = [:]
    var storageOf: [String: Int] = [:]
    /// Bytes of the elements of storages that are inside the pickle, by index.
    var embedded: [Int: Range<Int>] = [:]
    /// Remaining number of fields of persistent objects and of storages inside the pickle, far above the needs of networks.
    var persistentBudget = 2_000_000
    /// Whether the pickle is itself inside a pickle.
    var isInside = false

    /// Maximum number of instructions, far above the needs of the largest checkpoints.
    static let stepLimit = 8_000_000

    init(_ bytes: UnsafeRawBufferPointer, at position: Int = 0, path: String) {
        self.bytes = bytes
        self.position = position
        self.path = path
    }

    /// Executes one pickle and returns its value.
    mutating func run(stepLimit: Int = Self.stepLimit) throws -> PickleValue {
        for _ in 0..<stepLimit {
            let byte = try take(1).u8(0)
            guard let opcode = PickleOpcode(rawValue: byte) else {
                throw broken("unsupported instruction 0x\(String(byte, radix: 16))")
            }
            if opcode == .stop { return try pop() }
            try step(opcode)
        }
        throw broken("more than \(stepLimit) instructions")
    }

    private mutating func step(_ opcode: PickleOpcode) throws {
        switch opcode {
        case .proto:
            guard try take(1).u8(0) <= 5 else { throw broken("unsupported pickle protocol above 5") }
        case .frame: _ = try take(8)
        case .stop: break
        case .mark: marks.append(stack.count)
        case .pop: if stack.count == marks.last { marks.removeLast() } else { _ = try pop() }
        case .popMark: _ = try popToMark()
        case .duplicate: stack.append(try top())
        case .none: stack.append(.none)
        case .newTrue: stack.append(.bool(true))
        case .newFalse: stack.append(.bool(false))
        case .int, .long, .float, .binInt, .binInt1, .binInt2, .long1, .long4, .binFloat:
            try pushNumber(opcode)
        case .unicode, .binUnicode, .shortBinUnicode, .binUnicode8, .binString, .shortBinString:
            try pushText(opcode)
        case .binBytes: stack.append(.bytes(try span(try length(4))))
        case .shortBinBytes: stack.append(.bytes(try span(try length(1))))
        case .binBytes8: stack.append(.bytes(try span(try length(8))))
        case .emptyTuple: push(.tuple, [])
        case .emptyList: push(.list, [])
        case .emptyDictionary: push(.dictionary, [])
        // A set is read as a list.
        case .emptySet: push(.list, [])
        case .frozenSet: push(.list, try popToMark())
        case .addItems: try extend(.list, try popToMark())
        case .tuple: push(.tuple, try popToMark())
        case .tuple1: push(.tuple, [try pop()])
        case .tuple2:
            let second = try pop()
            push(.tuple, [try pop(), second])
        case .tuple3:
            let (third, second) = (try pop(), try pop())
            push(.tuple, [try pop(), second, third])
        case .list: push(.list, try popToMark())
        case .dictionary: push(.dictionary, try pairs(try popToMark()))
        case .append: try extend(.list, [try pop()])
        case .appends: try extend(.list, try popToMark())
        case .setItem:
            let value = try pop()
            try extend(.dictionary, [try pop(), value])
        case .setItems: try extend(.dictionary, try pairs(try popToMark()))
        case .put: memo[try number(try line())] = try top()
        case .binPut: memo[try length(1)] = try top()
        case .longBinPut: memo[try length(4)] = try top()
        case .memoize: memo[memo.count] = try top()
        case .get: try recall(try number(try line()))
        case .binGet: try recall(try length(1))
        case .longBinGet: try recall(try length(4))
        case .global: try pushGlobal(module: try line(), name: try line())
        case .stackGlobal:
            guard case .text(let name) = try pop(), case .text(let module) = try pop() else {
                throw broken("the name of an object is not a string")
            }
            try pushGlobal(module: module, name: name)
        case .binPersistentID: stack.append(try persistent(try pop()))
        case .reduce:
            let arguments = try items(.tuple, try pop())
            guard case .global(let function) = try pop() else {
                throw broken(
                    "a call of a value that is not a function")
            }
            stack.append(try call(function, arguments))
        case .newObject:
            let arguments = try items(.tuple, try pop())
            guard case .global(let type) = try pop() else {
                throw broken("an object of a value that is not a type")
            }
            guard case .easyDictionary = type else { throw broken("an object of a type that is a function") }
            stack.append(try call(type, arguments))
        case .build: try build(try pop())
        }
    }

    // MARK: Stack

    private mutating func pop() throws -> PickleValue {
        guard stack.count > marks.last ?? 0, let value = stack.popLast() else {
            throw broken("the stack is empty")
        }
        return value
    }

    private func top() throws -> PickleValue {
        guard stack.count > marks.last ?? 0, let value = stack.last else {
            throw broken("the stack is empty")
        }
        return value
    }

    private mutating func popToMark() throws -> [PickleValue] {
        guard let mark = marks.popLast() else { throw broken("a mark is missing") }
        defer { stack.removeSubrange(mark...) }
        return Array(stack[mark...])
    }

    private mutating func push(_ kind: PickleContainer.Kind, _ items: [PickleValue]) {
        stack.append(make(kind, items))
    }

    /// Adds a container to the arena.
    mutating func make(_ kind: PickleContainer.Kind, _ items: [PickleValue]) -> PickleValue {
        containers.append(PickleContainer(kind: kind, items: items))
        return .container(containers.count - 1)
    }

    private mutating func extend(_ kind: PickleContainer.Kind, _ items: [PickleValue]) throws {
        guard case .container(let index) = try top(), containers[index].kind == kind else {
            throw broken("elements are added to a value that is not a \(kind)")
        }
        containers[index].items += items
    }

    private func pairs(_ items: [PickleValue]) throws -> [PickleValue] {
        guard items.count.isMultiple(of: 2) else { throw broken("a key has no value") }
        return items
    }

    private mutating func recall(_ index: Int) throws {
        guard let value = memo[index] else { throw broken("a reference to an undefined value") }
        stack.append(value)
    }

    /// Returns the elements of a container of a given kind.
    func items(_ kind: PickleContainer.Kind, _ value: PickleValue) throws -> [PickleValue] {
        guard case .container(let index) = value, containers[index].kind == kind else {
            throw broken("expected a \(kind)")
        }
        return containers[index].items
    }

    private mutating func pushGlobal(module: String, name: String) throws {
        guard let global = PickleGlobal(module: module, name: name) else {
            throw FileError(
                path: path,
                what:
                    "the file refers to the Python object \"\(module).\(name)\", which is not supported",
                advice: "Only tensors, dictionaries, lists, numbers and strings are supported. Save "
                    + "model.state_dict() instead of the model.")
        }
        stack.append(.global(global))
    }

    private mutating func build(_ state: PickleValue) throws {
        // Version numbers of modules and attributes of parameters are ignored.
        switch try top() {
        case .container(let index) where containers[index].kind == .dictionary: break
        case .tensor: break
        default: throw broken("a state is assigned to a value that cannot have one")
        }
    }

    // MARK: Bytes

    private mutating func take(_ count: Int) throws -> UnsafeRawBufferPointer {
        guard count >= 0, count <= bytes.count - position else { throw broken("it is truncated") }
        defer { position += count }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
    }

    /// Range of the next bytes, which are not copied.
    private mutating func span(_ count: Int) throws -> Range<Int> {
        _ = try take(count)
        return position - count..<position
    }

    private mutating func length(_ width: Int) throws -> Int {
        let field = try take(width)
        switch width {
        case 1: return Int(field.u8(0))
        case 4: return field.u32(0)
        default:
            guard let value = field.u64(0) else { throw broken("it is truncated") }
            return value
        }
    }

    private mutating func line() throws -> String {
        // Names and numbers are shorter than this limit.
        let rest = bytes[position...].prefix(1024)
        guard let end = rest.firstIndex(of: 0x0A) else { throw broken("a line is not terminated") }
        let text = String(validating: rest[..<end], as: UTF8.self)
        position = end + 1
        guard let text else { throw broken("a string is not valid UTF-8") }
        return text
    }

    private func number(_ text: String) throws -> Int {
        guard let value = Int(text.hasSuffix("L") ? String(text.dropLast()) : text) else {
            throw broken("a number is invalid")
        }
        return value
    }

    private mutating func pushNumber(_ opcode: PickleOpcode) throws {
        switch opcode {
        case .int:
            let text = try line()
            stack.append(
                text == "00" ? .bool(false) : text == "01" ? .bool(true) : .integer(try number(text)))
        case .long: stack.append(.integer(try number(try line())))
        case .binInt: stack.append(.integer(Int(Int32(truncatingIfNeeded: try length(4)))))
        case .binInt1: stack.append(.integer(try length(1)))
        case .binInt2: stack.append(.integer(try take(2).u16(0)))
        case .float:
            guard let value = Double(try line()) else { throw broken("a number is invalid") }
            stack.append(.real(value))
        case .binFloat:
            let bits = try take(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            stack.append(.real(Double(bitPattern: bits)))
        default:
            let digits = Array(try take(try length(opcode == .long1 ? 1 : 4)))
            guard digits.count <= 8 else { return stack.append(.big(digits)) }
            let sign: UInt64 = (digits.last ?? 0) & 0x80 == 0 ? 0 : .max
            let bits = digits.reversed().reduce(sign) { $0 << 8 | UInt64($1) }
            stack.append(.integer(Int(Int64(bitPattern: bits))))
        }
    }

    private mutating func pushText(_ opcode: PickleOpcode) throws {
        switch opcode {
        case .unicode: stack.append(.text(try line()))
        case .shortBinString, .shortBinUnicode: stack.append(try text(try length(1)))
        case .binUnicode8: stack.append(try text(try length(8)))
        default: stack.append(try text(try length(4)))
        }
    }

    private mutating func text(_ count: Int) throws -> PickleValue {
        guard let text = String(validating: try take(count), as: UTF8.self) else {
            throw broken("a string is not valid UTF-8")
        }
        return .text(text)
    }

    func broken(_ what: String) -> FileError {
        FileError.broken(path, "the pickle is invalid near byte \(position): \(what)")
    }
}

/// Instructions of Python's pickle format, protocols 0 to 5, that state dictionaries use. Names and numbers follow
/// Python's `pickletools`.
enum PickleOpcode: UInt8 {
    case mark = 0x28, stop = 0x2E, pop = 0x30, popMark = 0x31, duplicate = 0x32
    case float = 0x46, int = 0x49, binInt = 0x4A, binInt1 = 0x4B, long = 0x4C, binInt2 = 0x4D, none = 0x4E
    case binPersistentID = 0x51, reduce = 0x52, binString = 0x54, shortBinString = 0x55
    case unicode = 0x56, binUnicode = 0x58, append = 0x61, build = 0x62, global = 0x63, dictionary = 0x64
    case emptyDictionary = 0x7D, appends = 0x65, get = 0x67, binGet = 0x68, longBinGet = 0x6A
    case list = 0x6C, emptyList = 0x5D, put = 0x70, binPut = 0x71, longBinPut = 0x72
    case newObject = 0x81
    case setItem = 0x73, tuple = 0x74, emptyTuple = 0x29, setItems = 0x75, binFloat = 0x47
    case binBytes = 0x42, shortBinBytes = 0x43
    case proto = 0x80, tuple1 = 0x85, tuple2 = 0x86, tuple3 = 0x87, newTrue = 0x88, newFalse = 0x89
    case long1 = 0x8A, long4 = 0x8B
    case shortBinUnicode = 0x8C, binUnicode8 = 0x8D, binBytes8 = 0x8E, stackGlobal = 0x93
    case emptySet = 0x8F, addItems = 0x90, frozenSet = 0x91
    case memoize = 0x94, frame = 0x95
}
