import ArgumentParser
import Console
import PretrainedWeights
import Torch

/// `facegan weights add`: keeps a copy of a file of weights.
struct WeightsAdd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Bring in a file of weights that you have.",
        discussion: """
            Takes a PyTorch state dictionary (.pth, .pt), without running any of it, or a safetensors file. Its checksum, or \
            its keys and shapes, tell what it is; files that want other pictures but have the same keys need --as.

            Examples:
              facegan weights add pt_inception-2015-12-05-6726825d.pth
              facegan weights add squeezenet1_1.pth --as squeezenet-caffe
            """)

    @Argument(help: "The file; it is copied.")
    var file: String

    @Option(name: .customLong("as"), help: "What it is; see 'facegan weights list'.")
    var key: String?

    func run() throws {
        try Engine.load()
        let output = ConsoleOutput.standardOutput
        let record = try WeightsCache.default.add(file, as: key)
        output.writeLine("\(record.key): kept, \(Readable.bytes(record.byteCount)), keys and shapes fit")
        output.writeLine("  sha256 \(record.sha256)")
        if let known = WeightsCatalog[record.key] {
            output.writeLine("  \(known.about)\n  \(known.publisher); \(known.license)")
        }
    }
}
