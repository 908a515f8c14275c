import Datasets
import Imaging
import Foundation
import Settings

/// Selection and augmentation of training pictures.
public struct DataSettings: SettingsGroup, Equatable {
    /// Name of a data protocol, such as `celeba64-178`, or `auto` for the default of the source at the recipe's resolution.
    public var dataProtocol = "auto"
    /// Color behind transparent pixels: `white`, `black`, `gray`, or six hexadecimal digits. Another color than white
    /// becomes a part of the protocol's name and hash; white keeps the protocol as it is named.
    public var background = "white"
    /// Part of the source that is used; nil for the whole source.
    public var split: DataSplit?
    /// Probability of a horizontal flip, 0...1.
    public var flip = 0.5
    /// Maximum crop, as a fraction of the side.
    public var crop = 0.0
    /// Maximum rotation in either direction, in degrees.
    public var rotationDegrees = 0.0
    /// Maximum relative change of brightness.
    public var brightness = 0.0
    /// Maximum relative change of contrast.
    public var contrast = 0.0
    /// Maximum relative change of saturation.
    public var saturation = 0.0
    /// Maximum rotation of hue in either direction, in degrees.
    public var hueDegrees = 0.0

    /// Creates the default settings.
    public init() {}

    /// Visits every setting and checks the rules between them.
    /// - Throws: errors of the visitor.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.text(
            "protocol", &dataProtocol,
            "Data protocol (crop, filter and size) by name, such as celeba64-178, or auto.")
        try v.text(
            "background", &background,
            "Color behind transparent pixels: white, black, gray, or six hexadecimal digits.")
        try v.check(
            Background(background) != nil, "background", "white, black, gray, or six hexadecimal digits")
        var part = split?.rawValue ?? "all"
        try v.choice(
            "split", &part, of: ["all"] + DataSplit.allCases.map(\.rawValue),
            "Part of the source: all, or an official part of the data set.")
        split = DataSplit(rawValue: part)
        try v.number("flip", &flip, in: 0...1, "Probability of a horizontal flip.")
        try v.number("crop", &crop, in: 0...0.5, "Maximum crop, as a fraction of the side.")
        try v.number("rotationDegrees", &rotationDegrees, in: 0...45, "Maximum rotation in either direction.")
        try v.number("brightness", &brightness, in: 0...1, "Maximum relative change of brightness.")
        try v.number("contrast", &contrast, in: 0...1, "Maximum relative change of contrast.")
        try v.number("saturation", &saturation, in: 0...1, "Maximum relative change of saturation.")
        try v.number("hueDegrees", &hueDegrees, in: 0...180, "Maximum rotation of hue in either direction.")
    }

    /// Augmentation for the batch loader.
    public var augmentation: Augmentation {
        Augmentation(
            flip: Float(flip), crop: Float(crop), rotationDegrees: Float(rotationDegrees),
            brightness: Float(brightness), contrast: Float(contrast), saturation: Float(saturation),
            hueDegrees: Float(hueDegrees))
    }
}

/// Learning-rate schedule, a factor of the rates of all optimizers.
public struct ScheduleSettings: SettingsGroup, Equatable {
    /// Course of the factor after the warm-up.
    public var kind = ScheduleKind.constant
    /// Length of the linear warm-up from 0, in thousands of images.
    public var warmUpKimg = 0.0
    /// Start of the decay, in thousands of images.
    public var startKimg = 0.0
    /// End of the decay, in thousands of images.
    public var endKimg = 0.0
    /// Factor from `endKimg` on.
    public var finalFactor = 0.0
    /// Interval between drops, in thousands of images, for `.step`.
    public var everyKimg = 0.0
    /// Factor of each drop, 0...1, for `.step`.
    public var dropFactor = 0.5

    /// Creates the default settings.
    public init() {}

    /// Visits every setting and checks the rules between them.
    /// - Throws: errors of the visitor.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.choice("kind", &kind, "Course of the learning rates after the warm-up.")
        try v.number(
            "warmUpKimg", &warmUpKimg, in: 0...1e6,
            "Thousands of images over which learning rates rise from 0.")
        switch kind {
        case .constant: break
        case .linear, .cosine:
            try v.number(
                "startKimg", &startKimg, in: 0...1e9, "Thousands of images at which the decay starts.")
            try v.number("endKimg", &endKimg, in: 0...1e9, "Thousands of images at which the decay ends.")
            try v.check(endKimg > startKimg, "endKimg", "more than startKimg")
            try v.number(
                "finalFactor", &finalFactor, in: 0...1, "Factor of the learning rates from endKimg on.")
        case .step:
            try v.number(
                "startKimg", &startKimg, in: 0...1e9,
                "Thousands of images from which the interval to the first drop counts.")
            try v.number("everyKimg", &everyKimg, in: 0...1e9, "Thousands of images between drops.")
            try v.check(everyKimg > 0, "everyKimg", "more than 0")
            try v.number("dropFactor", &dropFactor, in: 0...1, "Factor of the learning rates at each drop.")
        }
    }

    /// Factor of all learning rates over the run.
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

/// Exponential moving average (EMA) of the weights (Karras et al. 2018, section 6.1).
public struct AverageSettings: SettingsGroup, Equatable {
    /// Half-life of the average, in thousands of images; 0 for no average.
    public var halfLifeKimg: Scheduled<Double> = 10
    /// Limit of the half-life as a fraction of the images seen so far (Karras et al. 2020, code); 0 for no limit.
    public var rampUp = 0.05

    /// Creates the default settings.
    public init() {}

    /// Visits every setting and checks the rules between them.
    /// - Throws: errors of the visitor.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.scheduled(
            "halfLifeKimg", &halfLifeKimg, in: 0...1e6,
            "Half-life of the average in thousands of images; 0: no average.")
        try v.number(
            "rampUp", &rampUp, in: 0...1,
            "Limit of the half-life as a fraction of the images seen so far; 0: no limit.")
    }

    /// Whether training maintains an average.
    public var isOn: Bool { halfLifeKimg.maximum > 0 }

    /// Decay of the average in one step, 0...1: average = decay * average + (1 - decay) * weight.
    /// - Parameters:
    ///   - batchSize: images in the step.
    ///   - images: images seen so far.
    public func decay(batchSize: Int, images: Int) -> Double {
        let scheduled = halfLifeKimg.value(atKimg: Double(images) / 1000) * 1000
        let halfLife = rampUp > 0 ? min(scheduled, rampUp * Double(images)) : scheduled
        return halfLife > 0 ? pow(0.5, Double(batchSize) / halfLife) : 0
    }
}

/// Monitoring of a run and recovery from divergence.
///
/// These settings do not change a run without problems. They may change when a run is resumed.
public struct SupervisionSettings: SettingsGroup, Equatable {
    /// Whether the run is monitored.
    public var isOn = true
    /// Maximum number of recoveries from divergence; 0 for none. A recovery restores the last good state.
    public var maxRecoveries = 3
    /// Number of steps for which a problem must persist before it is reported.
    public var patienceSteps = 200
    /// Absolute value of a loss above which the run has diverged.
    public var lossLimit = 1e5

    /// Creates the default settings.
    public init() {}

    /// Visits every setting and checks the rules between them.
    /// - Throws: errors of the visitor.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.flag("isOn", &isOn, "Monitor the run and recover from divergence.")
        try v.integer(
            "maxRecoveries", &maxRecoveries, in: 0...100,
            "Maximum number of recoveries from divergence. Each restores the last good state and halves the learning rates."
        )
        try v.integer(
            "patienceSteps", &patienceSteps, in: 1...1_000_000,
            "Number of steps for which a problem must persist before it is reported.")
        try v.number(
            "lossLimit", &lossLimit, in: 1...1e30,
            "Absolute value of a loss above which the run has diverged.")
    }
}

/// Length of a run and intervals of its outputs.
///
/// These settings do not change the result of a step. They may change when a run is resumed.
public struct TrainingSettings: SettingsGroup, Equatable {
    /// Length of the run, in thousands of images.
    public var totalKimg = 1000.0
    /// Interval between log lines, in steps.
    public var logSteps = 20
    /// Interval between preview grids, in thousands of images. The first grids are closer together.
    public var previewKimg = 10.0
    /// Number of faces in a preview grid.
    public var previewCount = 64
    /// Interval between saves of the last state, in minutes; 0 to save at every log line.
    public var saveMinutes = 5.0
    /// Interval between checkpoints that are never overwritten, in thousands of images; 0 for none.
    public var keepKimg = 0.0
    /// Interval between evaluations, in thousands of images; 0 for none.
    public var scoreKimg = 50.0
    /// Metrics, separated by commas. The first one selects the best state. Face networks are scored by their accuracy.
    public var metrics = "fd-face,swd"
    /// Maximum number of pictures of each set that a metric compares.
    public var scoreCount = 2048
    /// Whether the backward pass recomputes activations. This saves memory and takes about 25 % more time; results are equal.
    public var gradientCheckpointing = false

    /// Creates the default settings.
    public init() {}

    /// Visits every setting and checks the rules between them.
    /// - Throws: errors of the visitor.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.number("totalKimg", &totalKimg, in: 0...1e9, "Length of the run in thousands of images.")
        try v.integer("logSteps", &logSteps, in: 1...100_000, "Interval between log lines in steps.")
        try v.number(
            "previewKimg", &previewKimg, in: 0.001...1e9,
            "Interval between preview grids in thousands of images.")
        try v.integer("previewCount", &previewCount, in: 1...1024, "Number of faces in a preview grid.")
        try v.number(
            "saveMinutes", &saveMinutes, in: 0...10_000,
            "Interval between saves in minutes; 0: at every log line."
        )
        try v.number(
            "keepKimg", &keepKimg, in: 0...1e9,
            "Interval between permanent checkpoints in thousands of images; 0: none.")
        try v.number(
            "scoreKimg", &scoreKimg, in: 0...1e9,
            "Interval between evaluations in thousands of images; 0: none.")
        try v.text(
            "metrics", &metrics,
            "Metrics, separated by commas, such as swd, fd-face, fid. The first selects the best state.")
        try v.integer(
            "scoreCount", &scoreCount, in: 16...100_000,
            "Maximum number of pictures of each set that a metric compares.")
        try v.flag(
            "gradientCheckpointing", &gradientCheckpointing,
            "Recompute activations in the backward pass to save memory. No effect on a critic with a gradient penalty."
        )
    }
}

/// Progress of a run: steps and images.
public struct TrainingClock: Sendable, Equatable {
    /// Number of training steps.
    public var steps = 0
    /// Number of real images that the discriminator has seen.
    public var images = 0

    /// Creates a clock, at the start of a run by default.
    public init(steps: Int = 0, images: Int = 0) { (self.steps, self.images) = (steps, images) }

    /// Number of images, in thousands.
    public var kimg: Double { Double(images) / 1000 }
}
