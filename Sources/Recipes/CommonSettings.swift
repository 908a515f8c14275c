import Datasets
import Foundation
import Settings

/// Selection and augmentation of training pictures.
public struct DataSettings: SettingsGroup, Equatable {
    /// Name of a data protocol, or `auto` for the usual one of the source at the recipe's resolution.
    public var dataProtocol = "auto"
    /// The part of the source that is used.
    /// nil for the whole source.
    public var split: DataSplit?
    /// Probability of mirroring.
    public var flip = 0.5
    /// Largest fraction of the side that is cropped.
    public var crop = 0.0
    /// Largest rotation to either side.
    public var rotationDegrees = 0.0
    /// Largest relative change of brightness.
    public var brightness = 0.0
    /// Largest relative change of contrast.
    public var contrast = 0.0
    /// Largest relative change of saturation.
    public var saturation = 0.0
    /// Largest rotation of hue.
    public var hueDegrees = 0.0

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.text("protocol", &dataProtocol, "Crop, filter and size by name (celeba64-178), or auto.")
        var part = split?.rawValue ?? "all"
        try v.choice(
            "split", &part, of: ["all"] + DataSplit.allCases.map(\.rawValue),
            "Part of the source: all, or one of its official parts.")
        split = DataSplit(rawValue: part)
        try v.number("flip", &flip, in: 0...1, "Probability of mirroring.")
        try v.number("crop", &crop, in: 0...0.5, "Largest fraction of the side that is cropped.")
        try v.number("rotationDegrees", &rotationDegrees, in: 0...45, "Largest rotation to either side.")
        try v.number("brightness", &brightness, in: 0...1, "Largest relative change.")
        try v.number("contrast", &contrast, in: 0...1, "Largest relative change.")
        try v.number("saturation", &saturation, in: 0...1, "Largest relative change.")
        try v.number("hueDegrees", &hueDegrees, in: 0...180, "Largest rotation of hue.")
    }

    /// The augmentation of the loader.
    public var augmentation: Augmentation {
        Augmentation(
            flip: Float(flip), crop: Float(crop), rotationDegrees: Float(rotationDegrees),
            brightness: Float(brightness), contrast: Float(contrast), saturation: Float(saturation),
            hueDegrees: Float(hueDegrees))
    }
}

/// Learning rates over the run.
public struct ScheduleSettings: SettingsGroup, Equatable {
    public var kind = ScheduleKind.constant
    /// Thousands of images over which rates rise from 0.
    public var warmUpKimg = 0.0
    /// Thousands of images at which rates begin to fall.
    public var startKimg = 0.0
    /// Thousands of images at which rates reach `finalFactor`.
    public var endKimg = 0.0
    /// Factor of the rates at the end.
    public var finalFactor = 0.0
    /// Thousands of images between drops, for `.step`.
    public var everyKimg = 0.0
    /// Factor of each drop, for `.step`.
    public var dropFactor = 0.5

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.choice("kind", &kind, "Course of the learning rates after the warm-up.")
        try v.number(
            "warmUpKimg", &warmUpKimg, in: 0...1e6, "Thousands of images over which rates rise from 0.")
        switch kind {
        case .constant: break
        case .linear, .cosine:
            try v.number("startKimg", &startKimg, in: 0...1e9, "Thousands of images before rates fall.")
            try v.number("endKimg", &endKimg, in: 0...1e9, "Thousands of images at the final factor.")
            try v.check(endKimg > startKimg, "endKimg", "more than startKimg")
            try v.number("finalFactor", &finalFactor, in: 0...1, "Factor of the rates at the end.")
        case .step:
            try v.number("startKimg", &startKimg, in: 0...1e9, "Thousands of images before drops count.")
            try v.number("everyKimg", &everyKimg, in: 0...1e9, "Thousands of images between drops.")
            try v.check(everyKimg > 0, "everyKimg", "more than 0")
            try v.number("dropFactor", &dropFactor, in: 0...1, "Factor of each drop.")
        }
    }

    /// The factor of all learning rates.
    public var factor: Scheduled<Double> {
        kind == .step
            ? Scheduled(
                .step, from: 1, to: dropFactor, startKimg: startKimg, endKimg: everyKimg,
                warmUpKimg: warmUpKimg)
            : Scheduled(
                kind, from: 1, to: finalFactor, startKimg: startKimg, endKimg: endKimg, warmUpKimg: warmUpKimg
            )
    }
}

/// Moving average of the weights (Karras et al. 2018, section 6.1).
public struct AverageSettings: SettingsGroup, Equatable {
    /// Thousands of images after which the share of a weight in the average has halved; 0 for no average.
    public var halfLifeKimg = 10.0
    /// Limits the half-life to this fraction of the images seen so far (Karras et al. 2020, code); 0 for no limit.
    public var rampUp = 0.05

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.number(
            "halfLifeKimg", &halfLifeKimg, in: 0...1e6,
            "Thousands of images until the share of a weight halves; 0: no average.")
        try v.number(
            "rampUp", &rampUp, in: 0...1,
            "The half-life is at most this fraction of the images seen; 0: no limit.")
    }

    /// Whether an average is kept.
    public var isOn: Bool { halfLifeKimg > 0 }

    /// The half-life over the run, in thousands of images.
    public var halfLife: Scheduled<Double> {
        var value = Scheduled(halfLifeKimg)
        if rampUp > 0 { value.warmUpKimg = halfLifeKimg / rampUp }
        return value
    }

    /// Fraction of the average that one step of `batchSize` images keeps, after `images` images.
    public func decay(batchSize: Int, images: Int) -> Double {
        let halfLife = halfLife.value(atKimg: Double(images) / 1000) * 1000
        return halfLife > 0 ? pow(0.5, Double(batchSize) / halfLife) : 0
    }
}

/// Monitoring of a run and recovery from divergence. Does not change a healthy run, so it may differ after a resume.
public struct SupervisionSettings: SettingsGroup, Equatable {
    public var isOn = true
    /// How often a diverged run returns to its last good state; 0 for never.
    public var maxRecoveries = 3
    /// Steps for which a problem must persist before it is reported.
    public var patienceSteps = 200
    /// Absolute value of a loss that counts as divergence.
    public var lossLimit = 1e5

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.flag("isOn", &isOn, "Monitors the run and recovers from divergence.")
        try v.integer(
            "maxRecoveries", &maxRecoveries, in: 0...100,
            "How often a diverged run returns to its last good state, each time with half the learning rates."
        )
        try v.integer(
            "patienceSteps", &patienceSteps, in: 1...1_000_000,
            "Steps for which a problem must persist before it is reported.")
        try v.number(
            "lossLimit", &lossLimit, in: 1...1e30, "Absolute value of a loss that counts as divergence.")
    }
}

/// Length of a run and intervals of its outputs. Nothing here changes the result of a step, so it may differ after a resume.
public struct TrainingSettings: SettingsGroup, Equatable {
    /// Thousands of images of the whole run.
    public var totalKimg = 1000.0
    /// Steps between lines of the log.
    public var logSteps = 20
    /// Thousands of images between preview grids, after the first ones.
    public var previewKimg = 10.0
    /// Faces in a preview grid.
    public var previewCount = 64
    /// Minutes between saves of the last state.
    public var saveMinutes = 5.0
    /// Thousands of images between states that are kept; 0 for none.
    public var keepKimg = 0.0
    /// Thousands of images between scores; 0 for none.
    public var scoreKimg = 50.0
    /// Names of scores, separated by commas. The first one selects the best state. Face networks have their own score.
    public var metrics = "swd,fd-face"
    /// Largest number of pictures on each side of a score.
    public var scoreCount = 2048
    /// Recomputes activations in the backward pass: less memory, about a quarter more time, the same result.
    public var gradientCheckpointing = false

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.number("totalKimg", &totalKimg, in: 0...1e9, "Thousands of images of the whole run.")
        try v.integer("logSteps", &logSteps, in: 1...100_000, "Steps between lines of the log.")
        try v.number(
            "previewKimg", &previewKimg, in: 0.001...1e9, "Thousands of images between preview grids.")
        try v.integer("previewCount", &previewCount, in: 1...1024, "Faces in a preview grid.")
        try v.number(
            "saveMinutes", &saveMinutes, in: 0...10_000, "Minutes between saves; 0: at every line of the log."
        )
        try v.number("keepKimg", &keepKimg, in: 0...1e9, "Thousands of images between kept states; 0: none.")
        try v.number("scoreKimg", &scoreKimg, in: 0...1e9, "Thousands of images between scores; 0: none.")
        try v.text(
            "metrics", &metrics,
            "Scores, separated by commas; the first selects the best state: swd, fd-face, fid, ...")
        try v.integer("scoreCount", &scoreCount, in: 16...100_000, "Pictures on each side of a score.")
        try v.flag(
            "gradientCheckpointing", &gradientCheckpointing,
            "Recomputes activations in the backward pass, for large pictures. Not in a critic with a penalty."
        )
    }
}

/// Progress of a run.
public struct TrainingClock: Sendable, Equatable {
    /// Training steps.
    public var steps = 0
    /// Real images that the discriminator has seen.
    public var images = 0

    public init(steps: Int = 0, images: Int = 0) { (self.steps, self.images) = (steps, images) }

    /// Images in thousands.
    public var kimg: Double { Double(images) / 1000 }
}
