import ArgumentParser
import Checkpoints
import Console
import Editing
import Files
import Foundation
import Models
import Synthesis
import Torch

/// `facegan directions`: named, calibrated directions of a model.
struct DirectionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "directions",
        abstract: "Find named directions of a model for facegan edit.",
        discussion: """
            Generates faces, scores them with a face network, and fits a normal for each attribute in z and, for a style \
            generator, in w. Adds SeFa and PCA directions, named by the attribute that they change most. One unit of each \
            direction changes the logit of its attribute by the same amount. A computation that was stopped continues where it was.

            Examples:
              facegan directions runs/stylegan2
              facegan directions celeba64 --out mine.safetensors
              facegan directions runs/dcgan --network runs/attributes --count 20000
              facegan directions celeba64 --show
              facegan directions celeba64 --measure Smiling,Male --faces 64
            """)

    @OptionGroup var source: EditedModelOptions

    @Option(
        help: ArgumentHelp(
            """
            File to write. (default: directions.safetensors in a run directory, NAME.directions.safetensors beside a \
            model file, or in the current folder for an included model)
            """, valueName: "file"))
    var out: String?

    @Option(
        help: ArgumentHelp(
            "Run or model of the recipe attributes that scores the faces. (default: the included face network)",
            valueName: "model"))
    var network: String?

    @Option(parsing: .unconditional, help: "Number of scored faces; their seeds begin at 0.")
    var count = DirectionFinder.Settings().samples

    @Option(
        name: .customLong("calibration-faces"), parsing: .unconditional,
        help: "Faces on which each direction is measured. More faces give more accurate units.")
    var calibrationFaces = DirectionFinder.Settings().calibrationFaces

    @Option(
        name: .customLong("logits-per-unit"), parsing: .unconditional,
        help: "Mean change of the own logit for one unit.")
    var logitsPerUnit = DirectionFinder.Settings().logitsPerUnit

    @Option(
        parsing: .unconditional, help: "Number of SeFa directions, and of principal components.")
    var unsupervised = DirectionFinder.Settings().unsupervised

    @Option(
        help: ArgumentHelp("Latent space: z, or w of a style generator. (default: both)"))
    var space: LatentPoint.Space?

    @Flag(help: "Show the directions of the file of the model, in place of new ones.")
    var show = false

    @Option(
        help: ArgumentHelp(
            "Measure the edits of these attributes with the directions of the file of the model: in z and w, with and "
                + "without conditional projection.", valueName: "names"))
    var measure: String?

    @Option(parsing: .unconditional, help: "Number of faces of --measure.")
    var faces = 64

    @Option(help: ArgumentHelp("Also write the measurements of --measure as JSON.", valueName: "file"))
    var json: String?

    @OptionGroup var place: DeviceOptions

    func validate() throws {
        try NumberRange.check("--count", count, LinearNormals.minCount...1_000_000)
        try NumberRange.check("--calibration-faces", calibrationFaces, 2...4096)
        try NumberRange.check("--unsupervised", unsupervised, 0...64)
        try NumberRange.check("--logits-per-unit", logitsPerUnit, 0.01...100)
        try NumberRange.check("--faces", faces, 2...4096)
        if space == .wPlus { throw ValidationError("--space: expected z or w.") }
        if json != nil, measure == nil { throw ValidationError("--json requires --measure.") }
        if measure != nil || show, out != nil {
            throw ValidationError(
                "--out writes new directions; it cannot be combined with --show or --measure.")
        }
        if let measure, measure.split(separator: ",").isEmpty {
            throw ValidationError("--measure: expected names of attributes, such as Smiling,Male.")
        }
    }

    func run() async throws {
        Interrupt.install()
        setenv("OMP_WAIT_POLICY", "passive", 0)
        let service = FaceService(device: try place.prepare(), threads: place.threads)
        let model = try await source.load(service)
        if show || measure != nil {
            let file = try DirectionFile.open(source.model, digest: model.info.digest)
            if let measure { return try await printMeasurements(measure, file.set, service, model) }
            return DirectionPrinter(file.set).print(space: space ?? file.set.defaultSpace)
        }
        let target = try out ?? DirectionFile.outputPath(of: source.model)
        try OutputPath.check([target], inputs: [source.model, network])
        let set = try await find(service, model)
        try DirectionFile.write(set, to: target)
        DirectionPrinter(set, on: OutputPath.messages(target)).print(space: space ?? set.defaultSpace)
        OutputPath.messages(target).writeLine(
            "Wrote \(target): \(Readable.count(set.attributes.count, "attribute")) in \(set.spaces.map(\.space.rawValue).joined(separator: " and ")), from \(Readable.count(set.samples, "face"))"
        )
    }

    private func find(_ service: FaceService, _ model: FaceService.LoadedFaces) async throws -> DirectionSet {
        var settings = DirectionFinder.Settings()
        (settings.samples, settings.unsupervised) = (count, unsupervised)
        settings.calibrationFaces = calibrationFaces
        (settings.logitsPerUnit, settings.spaces) = (logitsPerUnit, space.map { [$0] })
        let (scoring, measuring) = (
            ProgressLine("scoring", total: count, unit: .things("faces")),
            ProgressLine("measuring", total: nil, unit: .things("directions"))
        )
        defer {
            scoring.finish()
            measuring.finish()
        }
        let (chosen, network) = (settings, network)
        return try await cancelledByInterrupt {
            try await service.directions(
                of: model, network: network, settings: chosen, cache: CacheFolder.path + "/directions"
            ) { stage in
                switch stage {
                case .scoring(let done, let total): scoring.update(done, total: total)
                case .fitting: scoring.finish()
                case .measuring(let done, let total): measuring.update(done, total: total)
                }
            }
        }
    }

    private func printMeasurements(
        _ names: String, _ set: DirectionSet, _ service: FaceService, _ model: FaceService.LoadedFaces
    ) async throws {
        let names = names.split(separator: ",").map(String.init)
        let spaces = space.map { [$0] } ?? set.spaces.map(\.space)
        let scopes: [ConditionScope] = [.none, .independent]
        let line = ProgressLine(
            "measuring", total: names.count * spaces.count * scopes.count, unit: .things("directions"))
        var found: [EditMeasurement] = []
        for space in spaces {
            for scope in scopes {
                var options = EditOptions()
                (options.space, options.scope) = (space, scope)
                let (before, chosen, faces, network) = (found.count, options, faces, network)
                found += try await cancelledByInterrupt {
                    try await service.measurements(
                        names, directions: set, options: chosen, faces: faces, of: model, network: network
                    ) { done, _ in line.update(before + done) }
                }
            }
        }
        line.finish()
        if let json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
            encoder.nonConformingFloatEncodingStrategy = .convertToString(
                positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
            try AtomicFile.write([UInt8](try encoder.encode(found)), to: json)
        }
        DirectionPrinter(set, on: OutputPath.messages(json)).print(found, faces: faces)
    }
}

/// Tables of directions.
struct DirectionPrinter {
    private let set: DirectionSet
    private let output: ConsoleOutput

    init(_ set: DirectionSet, on output: ConsoleOutput = .standardOutput) {
        (self.set, self.output) = (set, output)
    }

    /// Prints the normals and the unsupervised directions of a space.
    func print(space: LatentPoint.Space) {
        guard let found = set[space] else { return }
        output.writeLine(
            "Directions in \(space.rawValue), one unit = \(Readable.fixed(set.logitsPerUnit, 1)) logits of the own attribute; accuracy: signs of the tenths of the held-out faces with the largest and smallest logits"
        )
        var table = Table(
            ["attribute", "accuracy", "correlation", "unit", "also changes, in standard deviations"],
            alignments: [.left, .right, .right, .right])
        for (index, name) in set.attributes.enumerated() {
            let (direction, quality) = (found.conditional[index], found.qualities[index])
            table.add([
                name, Readable.fixed(100 * quality.accuracy, 1) + " %",
                Readable.fixed(quality.correlation, 2),
                Readable.fixed(direction.unit, 2), side(direction),
            ])
        }
        for direction in found.unsupervised {
            table.add([
                "\(direction.name): \(direction.attribute)", "", "", Readable.fixed(direction.unit, 2),
                side(direction),
            ])
        }
        for line in table.lines(for: output) { output.writeLine(line) }
    }

    /// The three largest changes of other attributes for one unit, in standard deviations of their logits.
    private func side(_ direction: Direction) -> String {
        let changes = set.attributes.indices.filter { set.attributes[$0] != direction.attribute }.map {
            (set.attributes[$0], Double(direction.effects[$0] / max(1e-6, set.deviations[$0])))
        }
        return changes.sorted { abs($0.1) > abs($1.1) }.prefix(3).map {
            "\($0.0) \($0.1 > 0 ? "+" : "")\(Readable.fixed($0.1, 1))"
        }.joined(separator: ", ")
    }

    /// Prints measured edits.
    func print(_ measurements: [EditMeasurement], faces: Int) {
        output.writeLine(
            "Edits of \(Readable.count(faces, "face")) at the smallest step that changes the attribute in 80 % of them"
        )
        var table = Table(
            [
                "attribute", "space", "condition", "accuracy", "units", "changed", "others changed",
                "identity",
                "Spearman",
            ], alignments: [.left, .left, .left] + Array(repeating: .right, count: 6))
        for found in measurements {
            table.add([
                found.name, found.space, found.scope, Readable.fixed(100 * found.accuracy, 1) + " %",
                found.units.map { Readable.fixed($0, 1) } ?? "none",
                Readable.fixed(100 * found.flips, 0) + " %",
                Readable.fixed(100 * found.leakage, 1) + " %", Readable.fixed(found.identity, 2),
                Readable.fixed(found.monotonicity, 3),
            ])
        }
        for line in table.lines(for: output) { output.writeLine(line) }
    }
}
