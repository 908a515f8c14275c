import ArgumentParser
import Checkpoints
import Console
import Foundation
import Recipes
import Torch

/// `facegan export`: a model for use out of a run.
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Take the network that gets used out of a run: one file, without optimizers.",
        discussion: """
            The file holds the weights, the recipe and what the run knows of its pictures. It is a safetensors file with \
            PyTorch's keys.

            Examples:
              facegan export runs/celeba --out celeba.safetensors
              facegan export runs/celeba --best --half --out small.safetensors
            """)

    @Argument(help: "A run's folder or a file of this program.")
    var source: String

    @Option(help: "The file to write.")
    var out: String

    @Flag(help: "The state with the best score instead of the newest one.")
    var best = false

    @Flag(help: "The weights as trained, not their moving average.")
    var raw = false

    @Flag(help: "Half precision: half the size.")
    var half = false

    func run() throws {
        try Engine.load()
        let model = try ModelExport.checkpoint(
            of: source, state: best ? .best : .last, weights: raw ? .raw : .average, half: half)
        try model.write(to: out)
        let bytes = (try? FileManager.default.attributesOfItem(atPath: out)[.size] as? Int) ?? 0
        ConsoleOutput.standardOutput.writeLine(
            "Wrote \(out): \(model.recipe.name) after \(Readable.count(model.clock.images)) images, "
                + Readable.bytes(bytes))
    }
}
