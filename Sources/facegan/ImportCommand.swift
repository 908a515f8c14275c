import ArgumentParser
import Checkpoints
import Console
import Recipes
import Settings
import Torch
import TorchNN

/// `facegan import`: model file of a PyTorch state dictionary.
struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Convert a PyTorch state dictionary (.pth, .pt) to a model file.",
        discussion: """
            Reads a file of torch.save without executing code in it, and reports every key that is missing, unexpected or \
            of another shape. The recipe describes the network of the weights.

            Examples:
              facegan import netG.pth --recipe dcgan --out model.safetensors
              facegan import netG.pth --set generator.filters=32 --out small.safetensors
              facegan import netD.pth --network discriminator --out netD.safetensors
            """)

    @Argument(help: "State dictionary.")
    var file: String

    @Option(help: "Name of a recipe, or a YAML file.")
    var recipe = "dcgan"

    @Option(help: "Preset of the recipe, such as small.")
    var preset: String?

    @Option(name: .customLong("set"), help: "Change a value of the recipe: path=value. May be repeated.")
    var overrides: [String] = []

    @Option(help: ArgumentHelp("generator or discriminator. (default: from the keys)"))
    var network: PyTorchImport.Network?

    @Option(help: "Model file to write.")
    var out: String

    func run() throws {
        try Engine.load()
        let output = ConsoleOutput.standardOutput
        let recipe = try Recipe.load(recipe, preset: preset, overrides: overrides)
        let found = try PyTorchImport(path: file, recipe: recipe, network: network)
        output.writeLine(
            "\(found.network.rawValue) of \(recipe.name): \(Readable.count(found.taken.count, "key")) fit, "
                + "\(found.mismatch.missing.count) missing, \(found.mismatch.unexpected.count) unexpected, "
                + "\(found.mismatch.misshaped.count) of another shape")
        guard let checkpoint = found.checkpoint else {
            output.writeLine("\(found.mismatch)")
            output.writeLine(
                "Nothing was written. To change the size of the network, use --set generator.filters=32 or --set resolution=128."
            )
            throw ExitCode.failure
        }
        try checkpoint.write(to: out)
        output.writeLine("Wrote \(out)")
    }
}

extension PyTorchImport.Network: ExpressibleByArgument {}
