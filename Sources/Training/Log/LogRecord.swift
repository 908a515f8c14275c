import Foundation

/// One line of a training log: named values at a step, in the order in which they were added.
///
/// What depends on the machine and the hour (seconds, images per second, memory) goes to `machine`, so that the
/// logs of a resumed run and of one that was never stopped are equal apart from it.
public struct LogRecord: Sendable, Equatable {
    /// A value of a line.
    public enum Value: Sendable, Equatable {
        case number(Double)
        case integer(Int)
        case flag(Bool)
        case text(String)
    }

    /// The training step after which the values hold.
    public let step: Int
    /// What follows from recipe, data and seed.
    public private(set) var values: [(key: String, value: Value)] = []
    /// What may differ from run to run.
    public private(set) var machine: [(key: String, value: Value)] = []

    public init(step: Int) { self.step = step }

    /// Adds a value.
    public mutating func add(_ key: String, _ value: Value) {
        precondition(!["step", "machine"].contains(key), "a log line has its own \(key)")
        values.append((key, value))
    }

    /// Adds a value that may differ from run to run.
    public mutating func add(machine key: String, _ value: Value) { machine.append((key, value)) }

    public static func == (a: LogRecord, b: LogRecord) -> Bool { a.line == b.line }

    /// The line as JSON without a line break. Numbers read back exactly; NaN and infinity become null.
    public var line: String {
        var fields = ["\"step\":\(step)"] + values.map(Self.field)
        if !machine.isEmpty {
            fields.append("\"machine\":{\(machine.map(Self.field).joined(separator: ","))}")
        }
        return "{\(fields.joined(separator: ","))}"
    }

    private static func field(_ key: String, _ value: Value) -> String {
        let text =
            switch value {
            case .number(let number): number.isFinite ? number.description : "null"
            case .integer(let number): String(number)
            case .flag(let flag): String(flag)
            case .text(let text): quoted(text)
            }
        return "\(quoted(key)):\(text)"
    }

    private static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            default:
                if scalar.value < 0x20 || scalar.value == 0x7F {
                    out += String(format: "\\u%04x", scalar.value)
                } else {
                    out.unicodeScalars.append(scalar)
                }
            }
        }
        return out + "\""
    }
}
