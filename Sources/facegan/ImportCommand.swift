import ArgumentParser
import Checkpoints
import Console
import Recipes
import Settings
import Torch
import TorchNN

/// `facegan import`: weights from PyTorch.
struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Take a PyTorch state dictionary (.pth, .pt) into a model file.",
        discussion: """
            Reads what torch.save writes, without running any of it, and reports every key that is missing, unexpected or \
            of another shape. The recipe says which network the weights are for.

            Examples:
              facegan import netG.pth --recipe dcgan --out model.safetensors
              facegan import netG.pth --set generator.filters=32 --out small.safetensors
              facegan import netD.pth --network discriminator --out netD.safetensors
            """)

    @Argument(help: "The state dictionary.")
    var file: String

    @Option(help: "A recipe's name or a YAML file.")
    var recipe = "dcgan"

    @Option(help: "One of the recipe's presets, such as small.")
    var preset: String?

    @Option(name: .customLong("set"), help: "Change a value of the recipe: path=value. May be repeated.")
    var overrides: [String] = []

    @Option(help: ArgumentHelp("generator or discriminator. (default: whichever the keys fit)"))
    var network: PyTorchImport.Network?

    @Option(help: "The model file to write.")
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
                "Nothing was written. Sizes can be set: --set generator.filters=32, --set resolution=128.")
            throw ExitCode.failure
        }
        try checkpoint.write(to: out)
        output.writeLine("Wrote \(out)")
    }
}

extension PyTorchImport.Network: ExpressibleByArgument {}
