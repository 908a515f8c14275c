import ArgumentParser
import Checkpoints
import Console
import Foundation
import Recipes
import Torch

/// `facegan export`: model file of a run.
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Export the network of a run that is used for inference to one file.",
        discussion: """
            The file holds the weights, the recipe, and facts of the training data. It is a safetensors file with the keys \
            of PyTorch. It has no optimizer state. With --plain, or if --out ends in .pt or .pth, the file holds only the \
            tensors of one network, for PyTorch; a StyleGAN2 has the keys of NVlabs' code.

            Examples:
              facegan export runs/celeba --out celeba.safetensors
              facegan export runs/celeba --best --half --out small.safetensors
              facegan export celeba64 --out generator.pt
              facegan export celeba64 --network discriminator --out d.pt
            """)

    @Argument(help: "A run directory, a model file, or an included model such as celeba64.")
    var source: String

    @Option(help: "Model file to write.")
    var out: String

    @Flag(help: "Use the state of a run with the best score, in place of the newest.")
    var best = false

    @Flag(help: "Export the weights of the last training step, in place of their moving average.")
    var raw = false

    @Flag(help: "Half precision (float16), which halves the size.")
    var half = false

    @Flag(help: "Write only the tensors of one network, under PyTorch's keys.")
    var plain = false

    @Option(help: "With --plain or .pt: generator or discriminator.")
    var network: PyTorchImport.Network = .generator

    func run() throws {
        try DeviceOptions.prepareCPU()
        try OutputPath.check([out], inputs: [source])
        if plain || StateExport.isPyTorch(out) {
            let tensors = try StateExport.tensors(
                of: source, state: best ? .best : .last, weights: raw ? .raw : .average, network: network,
                half: half)
            try StateExport.write(tensors, to: out)
            OutputPath.messages(out).writeLine(
                "Wrote \(out): \(Readable.count(tensors.count, "tensor")) of the \(network.rawValue)")
            return
        }
        guard network == .generator else {
            throw CommandError("--network requires --plain, or an --out that ends in .pt.")
        }
        let model = try ModelExport.checkpoint(
            of: source, state: best ? .best : .last, weights: raw ? .raw : .average, half: half)
        try model.write(to: out)
        let bytes = (try? FileManager.default.attributesOfItem(atPath: out)[.size] as? Int) ?? 0
        OutputPath.messages(out).writeLine(
            "Wrote \(out): \(model.recipe.name) after \(Readable.count(model.clock.images)) images, "
                + Readable.bytes(bytes))
    }
}
