import ArgumentParser

/// `facegan measure`: what `make bench` compares with others.
struct MeasureCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "measure", abstract: "Measure speed.", shouldDisplay: false,
        subcommands: [MeasureCritic.self, MeasureUse.self, MeasureLayers.self])
}
