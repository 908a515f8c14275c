import Foundation
import Models
import Settings

/// A recipe that does not exist or cannot be used; says what, where and what to do.
public struct RecipeError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}

/// One system of the field as numbers: settings that every run has, and those of its system.
///
/// A recipe is a YAML file in `Recipes/`. Keys that it leaves out keep the defaults given here.
public struct Recipe: SettingsGroup, Equatable {
    /// Short name, also of the run directory.
    public var name = "custom"
    /// One sentence for `facegan recipes`.
    public var about = ""
    /// Side of the pictures, in pixels: a power of two.
    public var resolution = 64
    /// Pictures in one step.
    public var batchSize = 128
    public var data = DataSettings()
    /// What is trained.
    public var system = System.adversarial(.init())
    public var schedule = ScheduleSettings()
    public var average = AverageSettings()
    public var supervision = SupervisionSettings()
    public var training = TrainingSettings()

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.text("name", &name, "Short name, also of the run directory.")
        try v.text("about", &about, "One sentence about the recipe.")
        var kind = system.kind
        try v.choice("system", &kind, "What is trained; decides which other groups a recipe has.")
        if kind != system.kind { system = System(kind) }
        try v.integer("resolution", &resolution, in: 8...1024, "Side of the pictures, a power of two.")
        try v.check(resolution.nonzeroBitCount == 1, "resolution", "a power of two")
        try v.integer("batchSize", &batchSize, in: 2...65536, "Pictures in one step.")
        try v.group("data", &data, "Selection and augmentation of the pictures.")
        try system.fields(&v, resolution: resolution, batchSize: batchSize)
        try v.group("schedule", &schedule, "Learning rates over the run.")
        try v.group("average", &average, "Moving average of the weights, which is used for inference.")
        try v.group("supervision", &supervision, "Monitoring of the run and recovery from divergence.")
        try v.group("training", &training, "Length of the run and intervals of its outputs.")
    }

    /// Keys of earlier versions.
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
        // These two keep their names in adversarial recipes.
        keys["generatorOptimizer"] = "restorerOptimizer (restoration) or converterOptimizer (conversion)"
        keys["discriminatorOptimizer"] = "criticOptimizer"
        return keys
    }

    /// Pictures in a step after `images` images.
    public func batchSize(images: Int) -> Int {
        guard case .adversarial(let settings) = system,
            let growth = settings.growth(images: images, resolution: resolution)
        else { return batchSize }
        return settings.growth.batchSize(side: growth.side, otherwise: batchSize)
    }

    /// Names of the attributes that the model takes; empty for an unconditional one.
    public var attributeNames: [String] {
        switch system {
        case .adversarial(let settings): settings.conditions.attributes
        case .conversion(let settings): settings.conditions.attributes
        case .restoration, .attributes: []
        }
    }
}

/// What a recipe trains, with the settings of that system.
public enum System: Sendable, Equatable {
    /// A generator against a discriminator.
    case adversarial(AdversarialSettings)
    /// A face network that recognizes attributes of a photograph.
    case attributes(AttributeSettings)
    /// A network from photographs to photographs, such as an autoencoder or super resolution, with a critic.
    case restoration(RestorationSettings)
    /// A network that changes attributes of photographs, with a critic that classifies them.
    case conversion(ConversionSettings)

    /// The name of a system in a recipe.
    public enum Kind: String, Sendable, CaseIterable {
        case adversarial, attributes, restoration, conversion
    }

    /// A system with default settings.
    public init(_ kind: Kind) {
        self =
            switch kind {
            case .adversarial: .adversarial(.init())
            case .attributes: .attributes(.init())
            case .restoration: .restoration(.init())
            case .conversion: .conversion(.init())
            }
    }

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

/// The settings of one system. Their groups stand at the top level of a recipe.
public protocol SystemSettings: Sendable, Equatable {
    init()
    /// Visits every group, and checks the rules between them.
    mutating func fields(_ v: inout some FieldVisitor, resolution: Int, batchSize: Int) throws
}

extension Recipe {
    /// Settings of an adversarial recipe. Traps for another system.
    public var adversarial: AdversarialSettings {
        get {
            guard case .adversarial(let settings) = system else { fatalError(wrongSystem("adversarial")) }
            return settings
        }
        set { system = .adversarial(newValue) }
    }

    /// Settings of a restoration recipe. Traps for another system.
    public var restoration: RestorationSettings {
        get {
            guard case .restoration(let settings) = system else { fatalError(wrongSystem("restoration")) }
            return settings
        }
        set { system = .restoration(newValue) }
    }

    /// Settings of a conversion recipe. Traps for another system.
    public var conversion: ConversionSettings {
        get {
            guard case .conversion(let settings) = system else { fatalError(wrongSystem("conversion")) }
            return settings
        }
        set { system = .conversion(newValue) }
    }

    /// Settings of a recipe for a face network. Traps for another system.
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
