import ArgumentParser
import Checkpoints
import Console
import Foundation
import Recipes
import Settings
import Torch

/// `facegan import`: model file of a PyTorch checkpoint.
struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Convert a PyTorch state dictionary (.pth, .pt) to a model file.",
        discussion: """
            Reads a file of torch.save, or a safetensors file, without executing code in it. Finds the generator and the \
            discriminator in nested dictionaries (netG, state_dict, g_ema) and behind prefixes (module.). Layers with other \
            names are matched by their order and shapes. The sizes of the networks are read from the file.

            Examples:
              facegan import netG.pth --out model.safetensors
              facegan import checkpoint.pth --key g_ema --out ema.safetensors
              facegan import netG.pth --recipe wgan-gp --out wgan.safetensors
              facegan import netD.pth --network discriminator --out netD.safetensors
            """)

    @Argument(help: "State dictionary, or a checkpoint with state dictionaries inside.")
    var file: String

    @Option(help: ArgumentHelp("Name of a recipe, or a YAML file. (default: from the layers)"))
    var recipe: String?

    @Option(help: "Preset of the recipe, such as small.")
    var preset: String?

    @Option(
        name: .customLong("set"), parsing: .upToNextOption,
        help: ArgumentHelp(
            "Change values of the recipe. May be repeated.", valueName: "path=value ..."))
    var overrides: [String] = []

    @Option(help: ArgumentHelp("generator or discriminator. (default: those in the file)"))
    var network: PyTorchImport.Network?

    @Option(
        help: ArgumentHelp("Key of the dictionary in the file, such as g_ema. (default: from the layers)"))
    var key: String?

    @Option(help: "Model file to write.")
    var out: String

    /// Recipes with different networks, in the order in which they are tried.
    private static let networks = [
        "dcgan", "dcgan-dense", "wgan-gp", "sagan", "progan", "detail", "stylegan2",
    ]

    func run() throws {
        try DeviceOptions.prepareCPU()
        try OutputPath.check([out], inputs: [file])
        let output = OutputPath.messages(out)
        let named = recipe ?? "dcgan"
        let first = try Recipe.load(named, preset: preset, overrides: overrides)
        let others = Self.networks.filter { $0 != named }.compactMap {
            // Settings of one network are not always settings of another.
            try? Recipe.load($0, overrides: overrides)
        }
        let fixed = Set(
            overrides.map { String($0.prefix { $0 != "=" }).trimmingCharacters(in: .whitespaces) })
        func read(_ recipes: [Recipe]) throws -> PyTorchImport {
            try PyTorchImport(path: file, recipes: recipes, network: network, key: key, fixed: fixed)
        }
        let found = try read(recipe == nil && preset == nil ? [first] + others : [first])
        for line in found.report { output.writeLine(line) }
        guard let checkpoint = found.checkpoint else {
            if recipe != nil || preset != nil, let other = try? read(others), other.checkpoint != nil {
                output.writeLine(
                    "The weights fit the recipe \(other.recipe.name). Use --recipe \(other.recipe.name).")
            }
            output.writeLine("Nothing was written.")
            throw ExitCode.failure
        }
        try checkpoint.write(to: out)
        output.writeLine("Wrote \(out)")
    }
}

extension PyTorchImport.Network: ExpressibleByArgument {}
