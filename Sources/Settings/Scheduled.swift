import Foundation

/// Course of a scheduled value between its start and end.
public enum ScheduleKind: String, Sendable, CaseIterable {
    /// The value `from` throughout.
    case constant
    /// Linear interpolation.
    case linear
    /// Half a cosine (Loshchilov and Hutter 2017, equation 5, without restarts).
    case cosine
    /// Multiplication by `to` at equal intervals.
    case step
}

/// A number as a function of the number of images seen in training.
///
/// In a recipe it is a number, or a group such as `{kind: linear, from: 10, to: 1, endKimg: 500}`.
public struct Scheduled<Value: BinaryFloatingPoint & Sendable>: Sendable, Equatable {
    /// Course of the change.
    public var kind = ScheduleKind.constant
    /// Value until `startKimg`.
    public var from: Value
    /// Value from `endKimg` on; for `.step`, the factor of each drop.
    public var to: Value
    /// Start of the change, in thousands of images.
    public var startKimg = 0.0
    /// End of the change, in thousands of images; for `.step`, the interval between drops.
    public var endKimg = 0.0
    /// Length of the linear warm-up from 0, in thousands of images; 0 for none.
    public var warmUpKimg = 0.0

    /// Creates a constant value.
    public init(_ value: Value) { (from, to) = (value, value) }

    /// Creates a schedule; the parameters are those of the properties.
    public init(
        _ kind: ScheduleKind, from: Value, to: Value, startKimg: Double = 0, endKimg: Double,
        warmUpKimg: Double = 0
    ) {
        (self.kind, self.from, self.to) = (kind, from, to)
        (self.startKimg, self.endKimg, self.warmUpKimg) = (startKimg, endKimg, warmUpKimg)
    }

    /// Value after `kimg` thousand images.
    public func value(atKimg kimg: Double) -> Value {
        let warmUp = warmUpKimg > 0 ? min(1, kimg / warmUpKimg) : 1
        return Value(warmUp) * changed(kimg)
    }

    private func changed(_ kimg: Double) -> Value {
        switch kind {
        case .constant: return from
        case .step:
            guard endKimg > 0 else { return from }
            let drops = max(0, ((kimg - startKimg) / endKimg).rounded(.down))
            return from * Value(pow(Double(to), drops))
        case .linear, .cosine:
            guard endKimg > startKimg else { return from }
            let progress = min(1, max(0, (kimg - startKimg) / (endKimg - startKimg)))
            let share = kind == .linear ? progress : (1 - cos(.pi * progress)) / 2
            return from + (to - from) * Value(share)
        }
    }

    /// Whether the value never changes.
    public var isConstant: Bool { warmUpKimg == 0 && (kind == .constant || kind != .step && from == to) }

    /// Maximum of the schedule, for values and factors of 0 or more.
    public var maximum: Value { kind == .constant || kind == .step ? from : max(from, to) }
}

extension Scheduled: ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral where Value == Double {
    /// A constant value.
    public init(floatLiteral value: Double) { self.init(value) }

    /// A constant value.
    public init(integerLiteral value: Int) { self.init(Double(value)) }
}

/// Fields of a scheduled number in the form of a group.
struct ScheduleFields: SettingsGroup {
    var value = Scheduled(0.0)
    var range = 0.0...Double.greatestFiniteMagnitude

    init() {}

    init(_ value: Scheduled<Double>, in range: ClosedRange<Double>) {
        (self.value, self.range) = (value, range)
        if value.kind == .constant { self.value.kind = .linear }
    }

    mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.choice("kind", &value.kind, "Course of the change.")
        try v.number("from", &value.from, in: range, "Value at the start.")
        switch value.kind {
        case .constant: break
        case .linear, .cosine: try v.number("to", &value.to, in: range, "Value at the end.")
        case .step: try v.number("to", &value.to, in: 0...1, "Factor of each drop.")
        }
        guard value.kind != .constant else { return }
        try v.number("startKimg", &value.startKimg, in: 0...1e9, "Thousands of images before the change.")
        try v.number(
            "endKimg", &value.endKimg, in: 0...1e9,
            value.kind == .step ? "Thousands of images between drops." : "Thousands of images at its end.")
        try v.check(
            value.kind == .step ? value.endKimg > 0 : value.endKimg > value.startKimg, "endKimg",
            value.kind == .step ? "more than 0" : "more than startKimg")
    }
}
