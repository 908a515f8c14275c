import Settings
import TorchNN

/// How the learning rates follow the clock of images seen.
public struct ScheduleSettings: SettingsGroup, Equatable {
    public var kind = LearningRateSchedule.Kind.constant
    public var warmUpKimg = 0.0
    public var startKimg = 0.0
    public var endKimg = 0.0
    public var finalFactor = 0.0
    public var everyKimg = 0.0
    public var dropFactor = 0.5

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.choice("kind", &kind, "Course of the rates after the warm-up.")
        try v.number(
            "warmUpKimg", &warmUpKimg, in: 0...1e6, "Thousands of images over which rates rise from 0.")
        switch kind {
        case .constant: break
        case .linear, .cosine:
            try v.number("startKimg", &startKimg, in: 0...1e9, "Where rates begin to fall.")
            try v.number("endKimg", &endKimg, in: 0...1e9, "Where they reach finalFactor.")
            try v.check(endKimg > startKimg, "endKimg", "more than startKimg")
            try v.number("finalFactor", &finalFactor, in: 0...1, "Last share of the rates.")
        case .step:
            try v.number("startKimg", &startKimg, in: 0...1e9, "Where counting begins.")
            try v.number("everyKimg", &everyKimg, in: 0...1e9, "Distance between drops.")
            try v.check(everyKimg > 0, "everyKimg", "more than 0")
            try v.number("dropFactor", &dropFactor, in: 0...1, "Share that each drop leaves.")
        }
    }

    /// The factor of the learning rates as a function of the clock.
    public var schedule: LearningRateSchedule {
        let isStep = kind == .step
        return LearningRateSchedule(
            kind: kind, warmUpKimg: warmUpKimg, startKimg: startKimg, endKimg: isStep ? everyKimg : endKimg,
            finalFactor: isStep ? dropFactor : finalFactor)
    }
}
