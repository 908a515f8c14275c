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
struct GenerateCommand: AsyncParsableCommand {
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

    @Option(help: "Upper limit of the faces that are computed at once. Bounds the memory; does not change faces.")
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

    func run() async throws {
        Interrupt.install()
        // Threads that spin while they wait for the next layer would slow down the threads that encode.
        setenv("OMP_WAIT_POLICY", "passive", 0)
        let service = FaceService(device: try place.prepare(), threads: place.threads)
        let faces = try await service.load(
            model, state: best ? .best : .last, weights: weights.value, precision: precision)
        do {
            if sheet {
                try await writeSheet(service, faces)
            } else if interpolate {
                try await writeFilm(service, faces)
            } else if isFolder {
                try await writeFiles(service, faces)
            } else {
                try await writeGrid(service, faces)
            }
        } catch is CancellationError {
            ConsoleOutput.standardError.writeLine("Stopped; nothing was written.")
            throw ExitCode(Interrupt.exitStatus)
        }
    }

    // MARK: Arguments

    private static let mostFrames = 5000
    private static let mostInGrid = 4096

    private var wanted: [UInt64] { (seeds ?? SeedList(count: count ?? (sheet ? 8 : 64))).values }

    private var target: String { out ?? (interpolate ? "walk.png" : "faces.png") }

    private var isFolder: Bool {
        var isThere: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: target, isDirectory: &isThere)
        return files || target.hasSuffix("/") || (exists && isThere.boolValue)
    }

    private func picture() throws -> PictureFile {
        do { return try PictureFile(path: target, format: format) } catch let error as SynthesisError {
            throw ValidationError(error.description)
        }
    }

    private var requested: FaceService.Attributes { attributes?.wanted ?? [] }

    // MARK: Writing

    private func writeGrid(_ service: FaceService, _ faces: FaceService.LoadedFaces) async throws {
        let (picture, seeds) = (try picture(), wanted)
        let grid = SyntheticImage.grid(
            try await watched("generating", seeds.count) { progress in
                try await service.faces(
                    of: faces, from: seeds.map { .seed($0) }, requesting: requested, batchSize: batch,
                    progress: progress)
            }, columns: columns)
        try picture.write(grid)
        say("Wrote \(target): \(Readable.count(seeds.count, "face")), \(grid.width)x\(grid.height)", faces)
    }

    private func writeSheet(_ service: FaceService, _ faces: FaceService.LoadedFaces) async throws {
        guard !faces.attributes.isEmpty else {
            throw CommandError(
                "\(model): --sheet needs a model with attributes; train the recipe conditional")
        }
        let (seeds, columns) = (wanted, 1 + 2 * faces.attributes.count)
        let images = try await watched("generating", seeds.count * columns) { progress in
            try await service.sheet(of: faces, seeds: seeds, batchSize: batch, progress: progress)
        }
        try picture().write(SyntheticImage.grid(images, columns: columns))
        say(
            "Wrote \(target): \(Readable.count(seeds.count, "face")), then without and with "
                + faces.attributes.joined(separator: ", "), faces)
    }

    /// Generates chunk by chunk, so that memory stays bounded and files are written meanwhile.
    private func writeFiles(_ service: FaceService, _ faces: FaceService.LoadedFaces) async throws {
        let folder = target.hasSuffix("/") ? String(target.dropLast()) : target
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw CommandError("\(folder): the folder cannot be created: \(error.localizedDescription)")
        }
        let (format, seeds) = (format ?? .png, wanted)
        let line = ProgressLine("generating", total: seeds.count, unit: .things("faces"))
        let writer = PictureWriter { line.update($0) }
        for start in stride(from: 0, to: seeds.count, by: GeneratorRunner.batchSize) {
            if Interrupt.isRequested {
                try writer.finish()
                line.finish("Stopped after \(Readable.count(writer.written, "face")) in \(folder).")
                throw ExitCode(Interrupt.exitStatus)
            }
            let part = Array(seeds[start..<min(seeds.count, start + GeneratorRunner.batchSize)])
            let images = try await service.faces(
                of: faces, from: part.map { .seed($0) }, requesting: requested, batchSize: batch)
            try writer.write(
                zip(part, images).map { seed, face in
                    let path = "\(folder)/seed-\(padded(seed)).\(format.ending)"
                    return (try PictureFile(path: path, format: format), face)
                })
        }
        try writer.finish()
        line.finish()
        say("Wrote \(Readable.count(writer.written, "face")) to \(folder)/", faces)
    }

    private func writeFilm(_ service: FaceService, _ faces: FaceService.LoadedFaces) async throws {
        let seeds = wanted
        let images = try await watched("generating", seeds.count * frames) { progress in
            try await service.film(
                of: faces, through: seeds, framesPerStep: frames, requesting: requested, batchSize: batch,
                progress: progress)
        }
        try Film.write(images, to: target)
        say("Wrote \(target): \(Readable.count(images.count, "frame"))", faces)
    }

    /// Runs a call of the service with a progress line. Ctrl-C cancels it.
    private func watched(
        _ verb: String, _ total: Int,
        _ body: @escaping @Sendable (@escaping FaceService.Progress) async throws -> [SyntheticImage]
    ) async throws -> [SyntheticImage] {
        let line = ProgressLine(verb, total: total, unit: .things("pictures"))
        defer { line.finish() }
        return try await cancelledByInterrupt { try await body { done, _ in line.update(done) } }
    }

    private func padded(_ seed: UInt64) -> String {
        let digits = String(seed)
        return String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    }

    private func say(_ text: String, _ faces: FaceService.LoadedFaces) {
        let info = faces.info
        let learned =
            info.facts["origin"] == nil ? "\(Readable.count(info.clock.images)) images seen" : "imported"
        ConsoleOutput.standardOutput.writeLine(
            "\(text) (\(info.recipe.name), \(learned), \(info.weights == .average ? "averaged" : "raw") weights, \(faces.precision.rawValue))"
        )
    }
}

extension PictureFile.Format: ExpressibleByArgument {}

/// Weights that generate the faces.
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
