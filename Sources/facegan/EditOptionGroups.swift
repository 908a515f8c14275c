import ArgumentParser
import Checkpoints
import Console
import Editing
import Models
import Synthesis
import Torch

/// Model, weights, truncation and noise of the commands that edit faces.
struct EditedModelOptions: ParsableArguments {
    @Argument(help: "A run directory, a model file, or an included model such as celeba64.")
    var model: String

    @Flag var weights: WeightsChoice = .ema

    @Flag(help: "Use the state of a run with the best score, in place of the newest.")
    var best = false

    @Option(help: "fp32, bf16 or auto. auto uses bf16 where it is faster.")
    var precision: Precision = .auto

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Truncation of a style generator: below 1, faces are more typical and vary less. (default: 1)"))
    var psi: Double?

    @Option(help: "Noise inputs of a style generator: const, random (depends on the latents), or none.")
    var noise: SynthesisOptions.Noise = .const

    func validate() throws {
        try NumberRange.check("--psi", psi, -10...10)
    }

    func load(_ service: FaceService) async throws -> FaceService.LoadedFaces {
        try await service.load(
            model, state: best ? .best : .last, weights: weights.value, precision: precision,
            options: SynthesisOptions(psi: psi ?? 1, noise: noise))
    }
}

/// Faces to edit.
struct OriginOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Seeds and ranges of seeds, such as 0-7,100. (default: 0-7)"),
        transform: { try SeedList($0) })
    var seeds: SeedList?

    @Option(
        help: ArgumentHelp(
            "Faces of the latents in a safetensors file, in place of seeds: z, w or w+.", valueName: "file"))
    var latents: String?

    func validate() throws {
        if seeds != nil, latents != nil { throw ValidationError("Give one of --seeds and --latents.") }
    }

    /// Seeds, or the latents of a file.
    func read(_ faces: FaceService.LoadedFaces) throws -> [LatentSource] {
        guard let latents else {
            return (seeds?.values ?? Array(0..<8)).map { .seed($0) }
        }
        return try Self.read(latents, faces)
    }

    /// Latents of a file. Prints a warning if they belong to another model.
    static func read(_ path: String, _ faces: FaceService.LoadedFaces) throws -> [LatentSource] {
        let file = try LatentFile(path: path)
        if !file.model.isEmpty, file.model != faces.info.digest {
            ConsoleOutput.standardError.writeLine(
                "warning: \(path): the latents belong to the model \(file.model.prefix(12)), not to \(faces.info.path) "
                    + "(\(faces.info.digest.prefix(12))); the faces differ")
        }
        return file.points.map { .point($0) }
    }
}

/// Edits of the command line, such as `Smiling=+2,Young=-1`.
struct EditList {
    let edits: [Edit]

    /// - Throws: `ValidationError` for other text, repeated names, and numbers out of range.
    init(_ text: String) throws {
        let form = "NAME=UNITS, such as Smiling=+2,Young=-1"
        edits = try text.split(separator: ",").map { part in
            let sides = part.split(separator: "=", maxSplits: 1).map { $0.filter { $0 != " " } }
            guard sides.count == 2, !sides[0].isEmpty, let amount = Double(sides[1]), amount.isFinite else {
                throw ValidationError("--set: expected \(form); got \(part).")
            }
            guard abs(amount) <= Edit.limit else {
                throw ValidationError("--set: expected -100 to 100 units, got \(part).")
            }
            return Edit(sides[0], amount)
        }
        guard !edits.isEmpty else { throw ValidationError("--set: expected \(form).") }
        let names = edits.map(\.name)
        if let twice = names.first(where: { name in names.count { $0 == name } > 1 }) {
            throw ValidationError("--set: \(twice) appears twice.")
        }
    }
}

/// Rows of w+ of the command line, such as `4-7`.
struct LayerRange {
    let range: ClosedRange<Int>

    /// - Throws: `ValidationError` for text that is not a number or a range.
    init(_ text: String) throws {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, first >= 0,
            first <= last, last < 64
        else {
            throw ValidationError("--layers: expected a row or a range of rows, such as 4-7; got \(text).")
        }
        range = first...last
    }
}

/// Space and projection of directions.
struct DirectionOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "File of the directions. (default: that of the model, which facegan directions writes)",
            valueName: "file"))
    var directions: String?

    @Option(
        help: ArgumentHelp(
            "Latent space of the edits: z, or w of a style generator. (default: w where there is one)"))
    var space: LatentPoint.Space?

    @Option(
        help: ArgumentHelp(
            """
            Attributes that a direction leaves unchanged: none, independent (those whose scores correlate by less than \
            0.3 with its own), all, or names separated by commas.
            """, valueName: "scope"))
    var condition = "independent"

    @Option(
        help: ArgumentHelp("Rows of w+ that are changed. (default: all)", valueName: "first-last"),
        transform: { try LayerRange($0) })
    var layers: LayerRange?

    @Flag(
        name: .customLong("keep-identity"),
        help: "Weaken the directions along the axes on which the identity changes most.")
    var keepsIdentity = false

    @Option(
        help: ArgumentHelp(
            "Run or model of the recipe attributes that measures the faces. (default: the included face network)",
            valueName: "model"))
    var network: String?

    func validate() throws {
        if space == .wPlus {
            throw ValidationError("--space: expected z or w; --layers selects rows of w+.")
        }
        if condition.split(separator: ",").isEmpty {
            throw ValidationError("--condition: expected none, independent, all or names.")
        }
        if layers != nil, space == .z { throw ValidationError("--layers requires space w.") }
    }

    var options: EditOptions {
        var options = EditOptions()
        (options.space, options.scope) = (space, ConditionScope(condition))
        (options.layers, options.keepsIdentity) = (layers?.range, keepsIdentity)
        return options
    }
}
