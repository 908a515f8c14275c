import ArgumentParser
import Checkpoints
import Console
import Editing
import Files
import Foundation
import Imaging
import Models
import PretrainedWeights
import Provenance
import Synthesis
import Torch

/// `facegan replay`: an edited picture again, from the recipe in its metadata.
struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Generate an edited picture again from the recipe in its metadata.",
        discussion: """
            Reads pictures of facegan edit and facegan mix. On the same machine, the new file has the same bytes. The recipe names \
            the model by its SHA-256. If it is not an included model, name its file with --model.

            Examples:
              facegan replay edited.png --out again.png
              facegan replay edited.png --model runs/stylegan2 --out again.png
              facegan replay edited.png --show
            """)

    @Argument(help: "An edited picture, PNG or JPEG.")
    var file: String

    @Option(help: ArgumentHelp("File of the new picture."))
    var out: String?

    @Option(
        help: ArgumentHelp(
            "Model of the picture: a run directory or a model file. (default: the included model with its SHA-256)"
        ))
    var model: String?

    @Option(
        help: ArgumentHelp("File of the directions. (default: that of the model)", valueName: "file"))
    var directions: String?

    @Flag(help: "Print the recipe as JSON, in place of a picture.")
    var show = false

    @OptionGroup var place: DeviceOptions

    func validate() throws {
        guard show || out != nil else {
            throw ValidationError("Name the new picture with --out, or use --show.")
        }
        if show, out != nil { throw ValidationError("Give one of --out and --show.") }
    }

    func run() async throws {
        Interrupt.install()
        setenv("OMP_WAIT_POLICY", "passive", 0)
        let content = try MappedFile(path: file)
        let bytes = try content.bytes(content.all)
        let recipe = try EditRecipe(picture: bytes, path: file)
        guard let out else { return ConsoleOutput.standardOutput.writeLine(recipe.json) }
        let format: PictureFile.Format = PictureFormat.detect(bytes) == .jpeg ? .jpeg : .png
        let target = try PictureFile(path: out, format: format)
        try OutputPath.check([out], inputs: [file, model, directions])
        let service = FaceService(device: try place.prepare(), threads: place.threads)
        let (source, loaded) = try await load(recipe, service)
        let used =
            recipe.directions == nil
            ? nil : try DirectionFile.open(source, path: directions, digest: loaded.info.digest)
        let line = ProgressLine("generating", total: nil, unit: .things("faces"))
        defer { line.finish() }
        let picture = try await cancelledByInterrupt {
            try await service.replay(recipe, with: loaded, directions: used) { done, total in
                line.update(done, total: total)
            }
        }
        try target.write(picture)
        line.finish()
        // A pipe cannot be read again.
        let isEqual = try !AtomicFile.isStandardOutput(out) && Self.isEqual(out, bytes)
        OutputPath.messages(out).writeLine(
            "Wrote \(out)\(isEqual ? ": the same bytes as \(file)" : ": other bytes than \(file); the machine or the version of the engine differs")"
        )
    }

    private static func isEqual(_ path: String, _ bytes: [UInt8]) throws -> Bool {
        let written = try MappedFile(path: path)
        return try written.bytes(written.all) == bytes
    }

    /// The model of the recipe.
    private func load(_ recipe: EditRecipe, _ service: FaceService) async throws -> (
        String, FaceService.LoadedFaces
    ) {
        let weights = ModelWeights(rawValue: recipe.weights) ?? .average
        let precision = Precision(rawValue: recipe.precision) ?? .fp32
        let options = try recipe.synthesisOptions()
        for candidate in model.map({ [$0] }) ?? BundledModels.all.map(\.name) {
            let loaded = try await service.load(
                candidate, weights: weights, precision: precision, options: options)
            if model != nil || loaded.info.digest == recipe.model { return (candidate, loaded) }
            await service.unload(loaded)
        }
        throw CommandError(
            "\(file): the picture was made with the model \(recipe.model.prefix(12)), which is not an included one; name its file"
                + " with --model")
    }
}
