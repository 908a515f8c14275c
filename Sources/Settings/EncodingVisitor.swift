/// Visitor that collects the lines of the canonical YAML of a group and its dotted keys with values.
struct EncodingVisitor: FieldVisitor {
    private(set) var lines: [String] = []
    private(set) var values: [(key: String, value: String)] = []
    private let indent: String
    private let prefix: String

    init(indent: String = "", prefix: String = "") {
        self.indent = indent
        self.prefix = prefix
    }

    private mutating func put(_ key: String, _ value: String) {
        lines.append("\(indent)\(key): \(value)")
        values.append((prefix + key, value))
    }

    mutating func number(
        _ key: String, _ value: inout Double, in range: ClosedRange<Double>, _ help: String
    ) throws { put(key, ScalarText.text(value)) }

    mutating func integer(
        _ key: String, _ value: inout Int, in range: ClosedRange<Int>, _ help: String
    ) throws { put(key, String(value)) }

    mutating func flag(_ key: String, _ value: inout Bool, _ help: String) throws { put(key, String(value)) }

    mutating func text(_ key: String, _ value: inout String, _ help: String) throws {
        put(key, ScalarText.yaml(value))
    }

    mutating func texts(_ key: String, _ value: inout [String], _ help: String) throws {
        put(key, flow(value.map(ScalarText.yaml)))
    }

    mutating func numbers(
        _ key: String, _ value: inout [Double], in range: ClosedRange<Double>, _ help: String
    ) throws { put(key, flow(value.map(ScalarText.text))) }

    mutating func integers(
        _ key: String, _ value: inout [Int], in range: ClosedRange<Int>, _ help: String
    ) throws { put(key, flow(value.map(String.init))) }

    private func flow(_ items: [String]) -> String { "[" + items.joined(separator: ", ") + "]" }

    mutating func scheduled(
        _ key: String, _ value: inout Scheduled<Double>, in range: ClosedRange<Double>, _ help: String
    ) throws {
        guard !value.isConstant else { return put(key, ScalarText.text(value.from)) }
        var fields = ScheduleFields(value, in: range)
        try group(key, &fields, help)
    }

    mutating func choice(_ key: String, _ value: inout String, of names: [String], _ help: String) throws {
        put(key, ScalarText.yaml(value))
    }

    mutating func group<G: SettingsGroup>(_ key: String, _ value: inout G, _ help: String) throws {
        var inner = EncodingVisitor(indent: indent + "  ", prefix: prefix + key + ".")
        try value.fields(&inner)
        lines += inner.lines.isEmpty ? ["\(indent)\(key): {}"] : ["\(indent)\(key):"] + inner.lines
        values += inner.values
    }

    mutating func groups<G: SettingsGroup>(_ key: String, _ value: inout [G], _ help: String) throws {
        guard !value.isEmpty else { return put(key, "[]") }
        lines.append("\(indent)\(key):")
        for index in value.indices {
            var inner = EncodingVisitor(indent: indent + "    ", prefix: "\(prefix)\(key).\(index).")
            try value[index].fields(&inner)
            let dash = "\(indent)  - "
            let first = inner.lines.first.map { dash + $0.dropFirst(dash.count) }
            lines += [first ?? dash + "{}"] + inner.lines.dropFirst()
            values += inner.values
        }
    }

    mutating func check(_ ok: Bool, _ key: String, _ expected: String) throws {}
}

/// Reader and writer for scalars. Stricter than YAML: no octal numbers, no `1_000`, no `yes`.
enum ScalarText {
    enum Failure: Error {
        case notANumber, tooLarge, notWhole
    }

    /// Parses a decimal number such as `2e-4`, `-1.5`, `.5` or `64`; `.inf` and `-.inf` are infinite.
    static func number(_ text: String) -> Result<Double, Failure> {
        if text == ".inf" || text == "+.inf" { return .success(.infinity) }
        if text == "-.inf" { return .success(-.infinity) }
        guard isDecimal(text), let value = Double(text) else { return .failure(.notANumber) }
        return value.isFinite ? .success(value) : .failure(.tooLarge)
    }

    /// Parses an integer. Decimal notation such as `1e3` is accepted up to 2^53.
    static func integer(_ text: String) -> Result<Int, Failure> {
        if isDigits(text) {
            return Int(text).map { .success($0) } ?? .failure(.tooLarge)
        }
        switch number(text) {
        case .failure(let failure): return .failure(failure)
        case .success(let value):
            guard value.isFinite, value.rounded() == value else { return .failure(.notWhole) }
            guard abs(value) <= 0x1p53 else { return .failure(.tooLarge) }
            return .success(Int(value))
        }
    }

    private static func isDigits(_ text: String) -> Bool {
        var bytes = Substring(text).utf8
        if bytes.first == UInt8(ascii: "-") || bytes.first == UInt8(ascii: "+") { bytes.removeFirst() }
        return !bytes.isEmpty && bytes.allSatisfy(isDigit)
    }

    /// Whether the text is `[+-] digits [. digits] [e [+-] digits]`, with digits on at least one side of the point.
    private static func isDecimal(_ text: String) -> Bool {
        guard text.utf8.count <= 400 else { return false }
        var rest = Substring(text).utf8
        func takeSign() {
            if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
        }
        func takeDigits() -> Int {
            let digits = rest.prefix(while: isDigit).count
            rest = rest.dropFirst(digits)
            return digits
        }
        takeSign()
        var digits = takeDigits()
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            digits += takeDigits()
        }
        guard digits > 0 else { return false }
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            rest.removeFirst()
            takeSign()
            guard takeDigits() > 0 else { return false }
        }
        return rest.isEmpty
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

    /// Shortest text that parses as the same value.
    static func text(_ value: Double) -> String {
        if value.isInfinite { return value < 0 ? "-.inf" : ".inf" }
        return value.description
    }

    /// Range for messages and the reference, such as `0...1`, `at least 1` or `at most 5`; nil if unlimited.
    static func range(_ range: ClosedRange<Double>) -> String? {
        let low = range.lowerBound, high = range.upperBound
        let noLow = low == -.infinity || low == -.greatestFiniteMagnitude
        let noHigh = high == .infinity || high == .greatestFiniteMagnitude
        return describe(noLow ? nil : short(low), noHigh ? nil : short(high))
    }

    static func range(_ range: ClosedRange<Int>) -> String? {
        let low = range.lowerBound == .min ? nil : String(range.lowerBound)
        return describe(low, range.upperBound == .max ? nil : String(range.upperBound))
    }

    private static func describe(_ low: String?, _ high: String?) -> String? {
        switch (low, high) {
        case (nil, nil): nil
        case (let low?, nil): "at least \(low)"
        case (nil, let high?): "at most \(high)"
        case (let low?, let high?): "\(low)...\(high)"
        }
    }

    private static func short(_ value: Double) -> String {
        let text = text(value)
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    /// YAML scalar that parses as this text: plain if that is safe, otherwise in double quotes.
    static func yaml(_ text: String) -> String {
        isPlain(text) ? text : quoted(text)
    }

    private static func isPlain(_ text: String) -> Bool {
        let reserved: Set = ["", "null", "Null", "NULL", "true", "false", "yes", "no", "on", "off"]
        if reserved.contains(text.lowercased()) || text.utf8.count > 200 { return false }
        if case .success = number(text) { return false }
        guard let first = text.unicodeScalars.first, isLetter(first) || first == "/" else { return false }
        return text.unicodeScalars.allSatisfy {
            isLetter($0) || "0123456789._-/+".unicodeScalars.contains($0)
        }
    }

    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        (scalar >= "a" && scalar <= "z") || (scalar >= "A" && scalar <= "Z") || scalar == "_"
    }

    private static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\t": out += "\\t"
            default:
                // Printable ASCII and other characters that YAML defines as printable. All others are escaped.
                let value = scalar.value
                if (0x20...0x7E).contains(value) || (0xA1...0x1FFF).contains(value)
                    || (0x2030...0x205E).contains(value) || (0x2070...0xD7FF).contains(value)
                    || (0x1F000...0x1FFFF).contains(value)
                {
                    out.unicodeScalars.append(scalar)
                } else {
                    let hex = String(value, radix: 16, uppercase: true)
                    let width = value <= 0xFF ? 2 : value <= 0xFFFF ? 4 : 8
                    let letter = width == 2 ? "x" : width == 4 ? "u" : "U"
                    out += "\\\(letter)" + String(repeating: "0", count: width - hex.count) + hex
                }
            }
        }
        return out + "\""
    }
}
