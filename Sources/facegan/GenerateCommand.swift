import ArgumentParser
import Checkpoints
import Console
import Files
import Foundation
import Models
import Provenance
import Recipes
import Synthesis
import Torch

/// `facegan generate`: faces from a trained model.
struct GenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Make faces; the same seed is the same face everywhere.",
        discussion: """
            Writes one grid, or with a folder as --out (or --files) one file for each face. Every file says inside that a \
            model made it.

            Examples:
              facegan generate runs/dcgan --seeds 0-63 --out faces.png
              facegan generate runs/dcgan --seeds 0-9,100,7 --out faces/ --format jpeg
              facegan generate model.safetensors --count 1000 --out faces/
              facegan generate runs/dcgan --seeds 1-8 --interpolate --out walk.png
              facegan generate runs/conditional --attr Smiling=1,Eyeglasses=0
              facegan generate runs/conditional --sheet --seeds 0-7
            """)

    @Argument(help: "A run's folder or a model file.")
    var model: String

    @Option(
        help: ArgumentHelp("Seeds and ranges, such as 0-63,100. (default: 0-63)"),
        transform: { try SeedList($0) })
    var seeds: SeedList?

    @Option(help: "This many faces, from seed 0 on.")
    var count: Int?

    @Option(
        help: ArgumentHelp(
            """
            A picture's name for a grid or a film; a folder (ending in / or there already) for single files. \
            (default: faces.png; walk.png for a film)
            """))
    var out: String?

    @Option(
        name: .customLong("attr"),
        help: ArgumentHelp(
            "Attributes to have (=1) or to lack (=0), commas between them; others vary as in photographs.",
            valueName: "name=1,..."),
        transform: { try AttributeList($0) })
    var attributes: AttributeList?

    @Flag(help: "A row for each seed: its face, then without and with each attribute of the model.")
    var sheet = false

    @Flag(help: "Single files, whatever --out looks like.")
    var files = false

    @Option(help: ArgumentHelp("What the files are. (default: as --out ends, else png)"))
    var format: PictureFile.Format?

    @Flag var weights: WeightsChoice = .ema

    @Flag(help: "Of a run's folder, the state with the lowest score instead of the newest.")
    var best = false

    @Flag(help: "A film through the seeds: animated PNG, or mp4 if --out ends so and ffmpeg is there.")
    var interpolate = false

    @Option(help: "Frames from one seed to the next in a film.")
    var frames = 24

    @Option(help: ArgumentHelp("Faces in a row of the grid. (default: a square grid)"))
    var columns: Int?

    @Option(help: "Faces computed at once: a matter of speed and memory; may change a face's last bit.")
    var batch = GeneratorRunner.batchSize

    @Option(
        help:
            "fp32, bf16, or auto: bf16 where the processor is faster with it, which moves a face by a level or two of 255."
    )
    var precision: Precision = .auto

    @OptionGroup var place: DeviceOptions

    func validate() throws {
        try place.validate()
        if seeds != nil, count != nil { throw ValidationError("Give --seeds or --count, not both.") }
        if let count, count < 1 || count > 1_000_000 {
            throw ValidationError("--count: expected 1 to 1,000,000, got \(count).")
        }
        for (name, value) in [("--frames", frames), ("--batch", batch), ("--columns", columns ?? 1)]
        where value < 1 {
            throw ValidationError("\(name): expected 1 or more, got \(value).")
        }
        let faces = wanted.count
        if sheet, interpolate || files || columns != nil || attributes != nil {
            throw ValidationError(
                "--sheet is one picture of all attributes: without --interpolate, --files, --columns, --attr."
            )
        }
        if sheet, isFolder {
            throw ValidationError("--sheet is one picture: give it a name, such as --out sheet.png.")
        }
        if sheet, wanted.count > 100 {
            throw ValidationError("--sheet: \(Readable.count(wanted.count)) rows do not fit, at most 100 do.")
        }
        if interpolate {
            guard !files, format == nil, [".png", ".mp4"].contains(where: target.lowercased().hasSuffix)
            else {
                throw ValidationError(
                    "A film is one file that ends in .png (animated) or .mp4: --out walk.png")
            }
            guard faces >= 2, faces * frames <= Self.mostFrames else {
                throw ValidationError(
                    "A film takes 2 seeds or more, and at most 5,000 frames (seeds x --frames); got "
                        + "\(Readable.count(faces, "seed")) x \(frames).")
            }
        } else if !isFolder {
            _ = try picture()
            guard faces <= Self.mostInGrid else {
                throw ValidationError(
                    "\(Readable.count(faces)) faces do not fit a grid: give a folder (--out faces/), or at most 4,096."
                )
            }
        }
    }

    func run() throws {
        Interrupt.install()
        // Threads that spin while they wait for the next layer would take the processors from those that encode.
        setenv("OMP_WAIT_POLICY", "passive", 0)
        let device = try place.prepare()
        var model = try GeneratorModel(
            model, state: best ? .best : .last, weights: weights.value, device: device)
        try model.request(attributes?.wanted ?? [])
        let sampler = FaceSampler(model, precision: precision)
        if sheet {
            try writeSheet(sampler)
        } else if interpolate {
            try writeFilm(sampler)
        } else if isFolder {
            try writeFiles(sampler)
        } else {
            try writeGrid(sampler)
        }
    }

    // MARK: What was asked for

    private static let mostFrames = 5000
    private static let mostInGrid = 4096

    private var wanted: [UInt64] { (seeds ?? SeedList(count: count ?? (sheet ? 8 : 64))).values }

    private var target: String { out ?? (interpolate ? "walk.png" : "faces.png") }

    private var isFolder: Bool {
        var isThere: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: target, isDirectory: &isThere)
        return files || target.hasSuffix("/") || (exists && isThere.boolValue)
    }

    private func picture() throws -> PictureFile { try PictureFile(path: target, format: format) }

    // MARK: Writing

    private func writeGrid(_ sampler: FaceSampler) throws {
        let picture = try picture()
        let grid = SyntheticImage.grid(sampler.faces(seeds: wanted, batchSize: batch), columns: columns)
        try picture.write(grid)
        say("Wrote \(target): \(Readable.count(wanted.count, "face")), \(grid.width)x\(grid.height)", sampler)
    }

    private func writeSheet(_ sampler: FaceSampler) throws {
        let names = sampler.model.attributes
        guard !names.isEmpty else {
            throw CommandError(
                "\(model): --sheet needs a model with attributes; train the recipe conditional")
        }
        let grid = SyntheticImage.grid(
            sampler.sheet(seeds: wanted, batchSize: batch), columns: 1 + 2 * names.count)
        try picture().write(grid)
        say(
            "Wrote \(target): \(Readable.count(wanted.count, "face")), then without and with "
                + names.joined(separator: ", "), sampler)
    }

    private func writeFiles(_ sampler: FaceSampler) throws {
        let folder = target.hasSuffix("/") ? String(target.dropLast()) : target
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw CommandError("\(folder): the folder cannot be made: \(error.localizedDescription)")
        }
        let format = format ?? .png
        let wanted = wanted
        let line = ProgressLine("generating", total: wanted.count, unit: .things("faces"))
        let writer = PictureWriter { line.update($0) }
        for start in stride(from: 0, to: wanted.count, by: batch) {
            if Interrupt.isRequested {
                try writer.finish()
                line.finish("Stopped after \(Readable.count(writer.written, "face")) in \(folder).")
                throw ExitCode(Interrupt.exitStatus)
            }
            let part = Array(wanted[start..<min(wanted.count, start + batch)])
            try writer.write(
                zip(part, sampler.faces(seeds: part, batchSize: batch)).map { seed, face in
                    let path = "\(folder)/seed-\(padded(seed)).\(format.ending)"
                    return (try PictureFile(path: path, format: format), face)
                })
        }
        try writer.finish()
        line.finish()
        say("Wrote \(Readable.count(writer.written, "face")) to \(folder)/", sampler)
    }

    private func writeFilm(_ sampler: FaceSampler) throws {
        let images = sampler.film(through: wanted, framesPerStep: frames, batchSize: batch)
        if target.lowercased().hasSuffix(".mp4") {
            try Film.writeMP4(images, to: target)
        } else {
            try AtomicFile.write(try SyntheticImage.film(images, millisecondsPerFrame: 42), to: target)
        }
        say("Wrote \(target): \(Readable.count(images.count, "frame"))", sampler)
    }

    private func padded(_ seed: UInt64) -> String {
        let digits = String(seed)
        return String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    }

    private func say(_ text: String, _ sampler: FaceSampler) {
        let model = sampler.model
        let learned =
            model.facts["origin"] == nil ? "\(Readable.count(model.clock.images)) images seen" : "imported"
        ConsoleOutput.standardOutput.writeLine(
            "\(text) (\(model.recipe.name), \(learned), \(model.weights == .average ? "averaged" : "raw") weights, \(sampler.precision.rawValue))"
        )
    }
}

/// Which of a model's weights make the faces.
enum WeightsChoice: String, EnumerableFlag {
    case ema, raw

    var value: ModelWeights { self == .ema ? .average : .raw }

    static func help(for value: WeightsChoice) -> ArgumentHelp? {
        switch value {
        case .ema:
            "The moving average of the weights, which makes better faces; a file without one has raw ones."
        case .raw: "The weights as trained."
        }
    }
}
