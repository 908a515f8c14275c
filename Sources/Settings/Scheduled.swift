import Foundation

/// How a scheduled value changes between its two ends.
public enum ScheduleKind: String, Sendable, CaseIterable {
    /// The first value all the time.
    case constant
    /// Along a line.
    case linear
    /// Along half a cosine (Loshchilov and Hutter 2017, equation 5, without restarts).
    case cosine
    /// Multiplied by the second value at equal distances.
    case step
}

/// A number that changes over a run, as a function of the images seen.
///
/// In a recipe it is a number, or a group such as `{kind: linear, from: 10, to: 1, endKimg: 500}`.
public struct Scheduled<Value: BinaryFloatingPoint & Sendable>: Sendable, Equatable {
    public var kind = ScheduleKind.constant
    /// Value until `startKimg`.
    public var from: Value
    /// Value from `endKimg` on; for `.step`, the factor of each drop.
    public var to: Value
    /// Thousands of images at which the change begins.
    public var startKimg = 0.0
    /// Thousands of images at which the change ends; for `.step`, the distance between drops.
    public var endKimg = 0.0
    /// Thousands of images over which the value first rises from 0, linearly; 0 for none.
    public var warmUpKimg = 0.0

    /// A value that does not change.
    public init(_ value: Value) { (from, to) = (value, value) }

    public init(
        _ kind: ScheduleKind, from: Value, to: Value, startKimg: Double = 0, endKimg: Double,
        warmUpKimg: Double = 0
    ) {
        (self.kind, self.from, self.to) = (kind, from, to)
        (self.startKimg, self.endKimg, self.warmUpKimg) = (startKimg, endKimg, warmUpKimg)
    }

    /// The value after `kimg` thousand images.
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

    /// Whether the value is the same at every time.
    public var isConstant: Bool { warmUpKimg == 0 && (kind == .constant || kind != .step && from == to) }

    /// The largest value that the schedule takes, for values and factors of 0 or more.
    public var maximum: Value { kind == .constant || kind == .step ? from : max(from, to) }
}

/// The fields of a scheduled number that is written as a group.
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
