import Foundation
import Models
import Settings

/// Error for a recipe that does not exist or cannot be used.
public struct RecipeError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Message: what is wrong, where, and what to do.
    public let description: String

    /// Creates an error with a message.
    public init(_ description: String) { self.description = description }
}

/// Settings of a training run: common settings, and those of one system.
///
/// A recipe is a YAML file in `Recipes/`. Omitted keys have the defaults of this type.
public struct Recipe: SettingsGroup, Equatable {
    /// Short name, also the default name of the run directory.
    public var name = "custom"
    /// One-sentence description for `facegan recipes`.
    public var about = ""
    /// Side of the pictures, in pixels; a power of two.
    public var resolution = 64
    /// Number of pictures in one step.
    public var batchSize = 128
    /// Selection and augmentation of training pictures.
    public var data = DataSettings()
    /// System that is trained, with its settings.
    public var system = System.adversarial(.init())
    /// Learning-rate schedule.
    public var schedule = ScheduleSettings()
    /// Moving average of the weights.
    public var average = AverageSettings()
    /// Monitoring of the run and recovery from divergence.
    public var supervision = SupervisionSettings()
    /// Length of the run and intervals of its outputs.
    public var training = TrainingSettings()

    /// Creates the default settings.
    public init() {}

    /// Visits every setting and checks the rules between them.
    /// - Throws: errors of the visitor.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.text("name", &name, "Short name, also the default name of the run directory.")
        // The name becomes a part of paths.
        try v.check(
            isFileName(name), "name",
            "1 to 200 characters without / and .. and control characters, not beginning with a dot")
        try v.text("about", &about, "One-sentence description.")
        var kind = system.kind
        try v.choice("system", &kind, "System that is trained; it determines the other groups of a recipe.")
        if kind != system.kind { system = System(kind) }
        try v.integer(
            "resolution", &resolution, in: 8...1024, "Side of the pictures in pixels, a power of two.")
        try v.check(resolution.nonzeroBitCount == 1, "resolution", "a power of two")
        try v.integer("batchSize", &batchSize, in: 2...65536, "Number of pictures in one step.")
        try v.group("data", &data, "Selection and augmentation of the pictures.")
        try system.fields(&v, resolution: resolution, batchSize: batchSize)
        try v.group("schedule", &schedule, "Learning rates over the run.")
        try v.group("average", &average, "Moving average of the weights, which is used for inference.")
        try v.group("supervision", &supervision, "Monitoring of the run and recovery from divergence.")
        try v.group("training", &training, "Length of the run and intervals of its outputs.")
    }

    private func isFileName(_ text: String) -> Bool {
        (1...200).contains(text.utf8.count) && text.first != "." && !text.contains("..")
            && text.unicodeScalars.allSatisfy { $0 != "/" && $0.properties.generalCategory != .control }
    }

    /// Keys of earlier versions and their replacements.
    public static var renamedKeys: [String: String] {
        var keys = [
            "task": "system", "view": "augment", "perceptual.leastSide": "perceptual.minSide",
            "steps.mostSkips": "steps.maxSkips", "steps.mostRepeats": "steps.maxRepeats",
            "phases.leastGain": "phases.minGain", "phases.tries": "phases.maxAttempts",
            "supervision.tries": "supervision.maxRecoveries",
            "converter.turnedShare": "converter.flipFraction",
            "augment.recolour": "augment.recolor", "augment.colour": "augment.color",
        ]
        for phase in ["warp", "dropout", "plain"] {
            keys["phases.\(phase).leastKimg"] = "phases.\(phase).minKimg"
            keys["phases.\(phase).mostKimg"] = "phases.\(phase).maxKimg"
        }
        // Adversarial recipes still have these two keys.
        keys["generatorOptimizer"] = "restorerOptimizer (restoration) or converterOptimizer (conversion)"
        keys["discriminatorOptimizer"] = "criticOptimizer"
        return keys
    }

    /// Number of pictures in a step after `images` images. It changes with the resolution of growing networks.
    public func batchSize(images: Int) -> Int {
        guard case .adversarial(let settings) = system,
            let growth = settings.growth(images: images, resolution: resolution)
        else { return batchSize }
        return settings.growth.batchSize(side: growth.side, otherwise: batchSize)
    }

    /// Names of the attributes that the model accepts; empty for an unconditional model.
    public var attributeNames: [String] {
        switch system {
        case .adversarial(let settings): settings.conditions.attributes
        case .conversion(let settings): settings.conditions.attributes
        case .restoration, .attributes: []
        }
    }
}

/// System that a recipe trains, with its settings.
public enum System: Sendable, Equatable {
    /// A generator and a discriminator.
    case adversarial(AdversarialSettings)
    /// A face network, which classifies attributes of photographs.
    case attributes(AttributeSettings)
    /// A restorer, such as an autoencoder or a super-resolution network, with a critic.
    case restoration(RestorationSettings)
    /// A converter, which changes attributes of photographs, with a critic that classifies them.
    case conversion(ConversionSettings)

    /// Name of a system in a recipe.
    public enum Kind: String, Sendable, CaseIterable {
        case adversarial, attributes, restoration, conversion
    }

    /// Creates a system with default settings.
    public init(_ kind: Kind) {
        self =
            switch kind {
            case .adversarial: .adversarial(.init())
            case .attributes: .attributes(.init())
            case .restoration: .restoration(.init())
            case .conversion: .conversion(.init())
            }
    }

    /// Name of the system.
    public var kind: Kind {
        switch self {
        case .adversarial: .adversarial
        case .attributes: .attributes
        case .restoration: .restoration
        case .conversion: .conversion
        }
    }

    fileprivate mutating func fields(
        _ v: inout some FieldVisitor, resolution: Int, batchSize: Int
    ) throws {
        func visit<Settings: SystemSettings>(_ settings: Settings) throws -> Settings {
            var settings = settings
            try settings.fields(&v, resolution: resolution, batchSize: batchSize)
            return settings
        }
        switch self {
        case .adversarial(let settings): self = .adversarial(try visit(settings))
        case .attributes(let settings): self = .attributes(try visit(settings))
        case .restoration(let settings): self = .restoration(try visit(settings))
        case .conversion(let settings): self = .conversion(try visit(settings))
        }
    }
}

/// Settings of one system. Their groups are at the top level of a recipe.
public protocol SystemSettings: Sendable, Equatable {
    /// Creates the default settings.
    init()
    /// Visits every group and checks the rules between them.
    /// - Parameters:
    ///   - v: visitor of the fields.
    ///   - resolution: side of the pictures, in pixels.
    ///   - batchSize: pictures in one step.
    /// - Throws: errors of the visitor.
    mutating func fields(_ v: inout some FieldVisitor, resolution: Int, batchSize: Int) throws
}

extension Recipe {
    /// Settings of an adversarial recipe. Reading them traps for another system.
    public var adversarial: AdversarialSettings {
        get {
            guard case .adversarial(let settings) = system else { fatalError(wrongSystem("adversarial")) }
            return settings
        }
        set { system = .adversarial(newValue) }
    }

    /// Settings of a restoration recipe. Reading them traps for another system.
    public var restoration: RestorationSettings {
        get {
            guard case .restoration(let settings) = system else { fatalError(wrongSystem("restoration")) }
            return settings
        }
        set { system = .restoration(newValue) }
    }

    /// Settings of a conversion recipe. Reading them traps for another system.
    public var conversion: ConversionSettings {
        get {
            guard case .conversion(let settings) = system else { fatalError(wrongSystem("conversion")) }
            return settings
        }
        set { system = .conversion(newValue) }
    }

    /// Settings of a recipe for a face network. Reading them traps for another system.
    public var attributes: AttributeSettings {
        get {
            guard case .attributes(let settings) = system else { fatalError(wrongSystem("attributes")) }
            return settings
        }
        set { system = .attributes(newValue) }
    }

    private func wrongSystem(_ expected: String) -> String {
        "Recipe \(name): expected the system \(expected), got \(system.kind.rawValue)"
    }
}
