import ArgumentParser
import Console
import Recipes
import Torch
import Training

/// `facegan measure critic`: how fast a recipe's discriminator learns; for `make bench`.
struct MeasureCritic: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "critic",
        abstract: "Measure how fast a recipe's discriminator learns.",
        discussion: """
            Its step alone, without a generator and without pictures to read: both losses, the penalty if the recipe has \
            one, and the optimizer.

            Examples:
              facegan measure critic --recipe wgan-gp --set batchSize=32 --steps 8 --every 2
            """)

    @Option(help: "A recipe's name or a YAML file.")
    var recipe = "wgan-gp"

    @Option(
        name: .customLong("set"), parsing: .upToNextOption,
        help: ArgumentHelp(
            "Change values of the recipe. May be repeated.", valueName: "path=value ..."))
    var overrides: [String] = []

    @Option(help: "Steps in all.")
    var steps = 8

    @Option(help: "Steps between two readings of the clock.")
    var every = 2

    @Option(help: "Numbers to compute in.")
    var precision: Precision = .auto

    @OptionGroup var place: DeviceOptions

    func validate() throws {
        try place.validate()
        guard steps > 0, every > 0 else {
            throw ValidationError("--steps, --every: expected numbers above 0.")
        }
    }

    func run() throws {
        let recipe = try Recipe.load(recipe, overrides: overrides)
        let rates = try TrainingEstimate.measureDiscriminator(
            recipe, device: try place.prepare(), precision: precision, steps: steps, every: every)
        ConsoleOutput.standardOutput.writeLine("{\"imagesPerSecond\": \(rates)}")
    }
}
