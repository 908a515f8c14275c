import ArgumentParser
import Checkpoints
import Console
import Editing
import Foundation
import Models
import Provenance
import Synthesis
import Torch

/// `facegan mix`: faces with layers of other faces.
struct MixCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mix",
        abstract: "Mix the styles of generated faces.",
        discussion: """
            Requires a style generator. Writes a figure: sources in the first row, targets in the first column, and in each cell \
            the target with layers of the source. Coarse styles are those of 4x4 and 8x8 maps (pose, hair style, glasses), middle \
            ones those of 16x16 and 32x32 (features of the face), fine ones those of larger maps (colors).

            Examples:
              facegan mix celeba64 --sources 1-5 --targets 11-14 --styles coarse
              facegan mix celeba64 --styles fine --out fine.png
              facegan mix celeba64 --layers 2-5 --psi 0.7
              facegan mix celeba64 --source-latents a.safetensors --targets 0-3
            """)

    @OptionGroup var source: EditedModelOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Seeds of the faces that provide layers. (default: 0-4)"),
        transform: { try SeedList($0) })
    var sources: SeedList?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Seeds of the faces that are changed. (default: 10-13)"),
        transform: { try SeedList($0) })
    var targets: SeedList?

    @Option(
        name: .customLong("source-latents"),
        help: ArgumentHelp("Latents of a safetensors file in place of --sources.", valueName: "latents"))
    var sourceLatents: String?

    @Option(
        name: .customLong("target-latents"),
        help: ArgumentHelp("Latents of a safetensors file in place of --targets.", valueName: "latents"))
    var targetLatents: String?

    @Option(help: "Layers that come from the sources: coarse, middle or fine.")
    var styles: StyleMix.Styles = .coarse

    @Option(
        help: ArgumentHelp(
            "Rows of w+ that come from the sources, in place of --styles.", valueName: "first-last"),
        transform: { try LayerRange($0) })
    var layers: LayerRange?

    @Option(help: ArgumentHelp("File of the picture."))
    var out = "mixed.png"

    @OptionGroup var place: DeviceOptions

    func validate() throws {
        if sources != nil, sourceLatents != nil {
            throw ValidationError("Give one of --sources and --source-latents.")
        }
        if targets != nil, targetLatents != nil {
            throw ValidationError("Give one of --targets and --target-latents.")
        }
        _ = try EditCommand.picture(out)
        for (name, seeds) in [("--sources", sources), ("--targets", targets)] {
            try NumberRange.check(name, seeds?.values.count, 1...63)
        }
    }

    func run() async throws {
        Interrupt.install()
        setenv("OMP_WAIT_POLICY", "passive", 0)
        let service = FaceService(device: try place.prepare(), threads: place.threads)
        try OutputPath.check([out], inputs: [source.model, sourceLatents, targetLatents])
        let model = try await source.load(service)
        guard model.spaces.contains(.wPlus) else {
            throw CommandError(
                "\(source.model): mixing requires a style generator, such as celeba64 or a run of the recipe stylegan2"
            )
        }
        let given = try read(sourceLatents, sources, 0...4, model)
        let changed = try read(targetLatents, targets, 10...13, model)
        guard given.count <= 63, changed.count <= 63 else {
            throw CommandError(
                "a figure has at most 63 sources and 63 targets, got \(given.count) and \(changed.count)")
        }
        // Seeds and latents of files have one form in the recipe.
        let isSeeds = sourceLatents == nil && targetLatents == nil
        let origins = try await service.origins(of: model, from: given + changed, in: .wPlus)
        let rows = origins[0].shape[0]
        guard let range = layers?.range ?? styles.layers(of: rows) else {
            throw CommandError(
                "\(source.model): the generator has \(rows) rows of w+ and no \(styles.rawValue) styles")
        }
        var recipe = EditRecipe(model: model, directions: nil, resolved: [], space: .wPlus, options: .init())
        recipe.layout = .mix(first: range.lowerBound, last: range.upperBound, columns: given.count)
        recipe = try recipe.of(isSeeds ? given + changed : origins.map { .point($0) })
        let plan = try EditPlan(origins, [], recipe)
        let line = ProgressLine("generating", total: plan.points.count, unit: .things("faces"))
        defer { line.finish() }
        let finished = recipe
        let picture = try await cancelledByInterrupt {
            try await service.picture(of: plan, model: model, recipe: finished) { done, _ in line.update(done)
            }
        }
        try EditCommand.picture(out).write(picture)
        line.finish()
        OutputPath.messages(out).writeLine(
            "Wrote \(out): \(given.count) sources, \(changed.count) targets, rows \(range.lowerBound)-\(range.upperBound) of w+ from the sources"
        )
    }

    private func read(
        _ file: String?, _ seeds: SeedList?, _ usual: ClosedRange<UInt64>, _ model: FaceService.LoadedFaces
    ) throws -> [LatentSource] {
        if let file { return try OriginOptions.read(file, model) }
        return (seeds?.values ?? Array(usual)).map { .seed($0) }
    }
}

extension StyleMix.Styles: ExpressibleByArgument {}
