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
        abstract: "Generate faces; a seed gives the same face in every call.",
        discussion: """
            Writes one grid, or one file for each face if --out is a folder or with --files. The metadata of every file says \
            that a model generated it.

            Examples:
              facegan generate celeba64 --psi 0.7 --out faces.png
              facegan generate runs/dcgan --seeds 0-63 --out faces.png
              facegan generate runs/dcgan --seeds 0-9,100,7 --out faces/ --format jpeg
              facegan generate model.safetensors --count 1000 --out faces/
              facegan generate runs/dcgan --seeds 1-8 --interpolate --out walk.png
              facegan generate celeba64 --seeds 1-4 --interpolate --curve cubic --open
              facegan generate runs/dcgan --seeds 1-8 --save-latents latents.safetensors
              facegan generate runs/dcgan --latents latents.safetensors --out faces.png
              facegan generate runs/conditional --attr Smiling=1,Eyeglasses=0
              facegan generate runs/conditional --class Smiling
              facegan generate cifar10.safetensors --class 3
              facegan generate runs/conditional --sheet --seeds 0-7
            """)

    @Argument(help: "A run directory, a model file, or an included model such as celeba64.")
    var model: String

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Seeds and ranges of seeds, such as 0-63,100. (default: 0-63)"),
        transform: { try SeedList($0) })
    var seeds: SeedList?

    @Option(parsing: .unconditional, help: "Number of faces; their seeds begin at 0.")
    var count: Int?

    @Option(
        help: ArgumentHelp(
            "Faces of the latents in a safetensors file, in place of seeds: z, w or w+.", valueName: "file"))
    var latents: String?

    @Option(
        name: .customLong("save-latents"),
        help: ArgumentHelp("Also write the latents of the seeds, as safetensors.", valueName: "file"))
    var savedLatents: String?

    @Option(
        help: ArgumentHelp(
            "Latent space of --save-latents: z, or w or w+ of a style generator.", valueName: "space"))
    var space: LatentPoint.Space = .z

    @Option(
        help: ArgumentHelp(
            """
            File of the grid or film, or a folder for single files: a path that ends in /, or an existing folder. \
            (default: faces.png; walk.png for a film)
            """))
    var out: String?

    @Option(
        name: .customLong("attr"),
        help: ArgumentHelp(
            "Attributes that the faces have (=1) or lack (=0), separated by commas; others vary as in the training "
                + "pictures.",
            valueName: "name=1,..."),
        transform: { try AttributeList($0) })
    var attributes: AttributeList?

    @Option(
        name: .customLong("class"), parsing: .unconditional,
        help: ArgumentHelp(
            "Class of the faces by index or name; for a model with attributes, the names of those that faces have.",
            valueName: "index or name,..."),
        transform: { try AttributeList($0, option: "--class", allowsNames: true) })
    var classes: AttributeList?

    @Flag(help: "A row for each seed: its face, then without and with each attribute of the model.")
    var sheet = false

    @Flag(help: "Write single files; --out is a folder.")
    var files = false

    @Option(help: ArgumentHelp("Format of the files. (default: from the extension of --out, else png)"))
    var format: PictureFile.Format?

    @Flag var weights: WeightsChoice = .ema

    @Flag(help: "Use the state of a run with the best score, in place of the newest.")
    var best = false

    @OptionGroup var film: FilmOptions

    @Option(parsing: .unconditional, help: ArgumentHelp("Columns of the grid. (default: a square grid)"))
    var columns: Int?

    @Option(
        parsing: .unconditional,
        help: "Upper limit of the faces that are computed at once. Bounds the memory; does not change faces.")
    var batch = GeneratorRunner.batchSize

    @Option(
        help:
            "fp32, bf16 or auto. auto uses bf16 where it is faster; values change by up to about 2 levels of 255."
    )
    var precision: Precision = .auto

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Truncation of a style generator: below 1, faces are more typical and vary less; 0.7 is usual. (default: 1)"
        ))
    var psi: Double?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Number of rows of w+ that --psi changes, from the first one. (default: all)"))
    var cutoff: Int?

    @Option(
        help: "Noise inputs of a style generator: const, random (depends on the latents), or none.")
    var noise: SynthesisOptions.Noise = .const

    @OptionGroup var place: DeviceOptions

    func validate() throws {
        try place.validate()
        if let psi, !psi.isFinite || abs(psi) > 10 {
            throw ValidationError("--psi: expected a number from -10 to 10, got \(psi).")
        }
        try NumberRange.check("--cutoff", cutoff, 0...64)
        if cutoff != nil, psi == nil { throw ValidationError("--cutoff requires --psi.") }
        if [seeds != nil, count != nil, latents != nil].count(where: { $0 }) > 1 {
            throw ValidationError("Give one of --seeds, --count and --latents.")
        }
        if attributes != nil, classes != nil { throw ValidationError("Give one of --attr and --class.") }
        if latents != nil, sheet || attributes != nil || classes != nil || savedLatents != nil {
            throw ValidationError(
                "--latents cannot be combined with --sheet, --attr, --class or --save-latents.")
        }
        if savedLatents == nil, space != .z { throw ValidationError("--space requires --save-latents.") }
        if sheet, savedLatents != nil {
            throw ValidationError("--save-latents cannot be combined with --sheet.")
        }
        try NumberRange.check("--count", count, 1...1_000_000)
        try NumberRange.check("--batch", batch, NumberRange.batch)
        try NumberRange.check("--columns", columns, 1...1_000_000)
        if sheet, film.interpolate || files || columns != nil || attributes != nil || classes != nil {
            throw ValidationError(
                "--sheet writes one picture of all attributes; it cannot be combined with --interpolate, --files, --columns, "
                    + "--attr or --class.")
        }
        if sheet, isFolder {
            throw ValidationError("--sheet writes one picture; name a file, such as --out sheet.png.")
        }
        if film.interpolate {
            guard !files, format == nil, [".png", ".mp4"].contains(where: target.lowercased().hasSuffix)
            else {
                throw ValidationError(
                    "A film is one file that ends in .png (animated) or .mp4, such as --out walk.png.")
            }
        } else if !isFolder {
            _ = try picture()
        }
        // The number of latents in a file is checked when it is read.
        if latents == nil { try checkCount(seedValues.count) }
    }

    /// Checks that a number of seeds or latents fits the kind of output.
    private func checkCount(_ faces: Int) throws {
        if sheet, faces > 100 {
            throw ValidationError("--sheet: expected at most 100 seeds, got \(Readable.count(faces)).")
        }
        if film.interpolate {
            guard faces >= 2, faces * film.frames <= Self.mostFrames else {
                throw ValidationError(
                    "A film requires 2 seeds or latents or more, and at most 5,000 frames (seeds x --frames); got "
                        + "\(Readable.count(faces, "seed")) x \(film.frames).")
            }
        } else if !isFolder, faces > Self.mostInGrid {
            throw ValidationError(
                "A grid has at most 4,096 faces, got \(Readable.count(faces)); write single files to a folder, such as "
                    + "--out faces/.")
        }
    }

    func run() async throws {
        Interrupt.install()
        // Threads that spin while they wait for the next layer would slow down the threads that encode.
        setenv("OMP_WAIT_POLICY", "passive", 0)
        let service = FaceService(device: try place.prepare(), threads: place.threads)
        try OutputPath.check([isFolder ? nil : target, savedLatents], inputs: [model, latents])
        let faces = try await service.load(
            model, state: best ? .best : .last, weights: weights.value, precision: precision,
            options: SynthesisOptions(psi: psi ?? 1, cutoff: cutoff, noise: noise))
        let sources = try readSources(faces)
        do {
            if sheet {
                try await writeSheet(service, faces)
            } else if film.interpolate {
                try await writeFilm(service, faces, sources)
            } else if isFolder {
                try await writeFiles(service, faces, sources)
            } else {
                try await writeGrid(service, faces, sources)
            }
            if let savedLatents { try await saveLatents(service, faces, to: savedLatents) }
        } catch is CancellationError {
            ConsoleOutput.standardError.writeLine("Stopped; nothing was written.")
            throw ExitCode(Interrupt.exitStatus)
        }
    }

    // MARK: Arguments

    private static let mostFrames = 5000
    private static let mostInGrid = 4096

    private var seedValues: [UInt64] { (seeds ?? SeedList(count: count ?? (sheet ? 8 : 64))).values }

    private var target: String { out ?? (film.interpolate ? "walk.png" : "faces.png") }

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

    private var requested: FaceService.Attributes { (attributes ?? classes)?.wanted ?? [] }

    // MARK: Latents

    /// Seeds, or the latents of a file.
    private func readSources(_ faces: FaceService.LoadedFaces) throws -> [LatentSource] {
        guard let latents else { return seedValues.map { .seed($0) } }
        let file = try LatentFile(path: latents)
        try checkCount(file.points.count)
        if !file.model.isEmpty, file.model != faces.info.digest {
            ConsoleOutput.standardError.writeLine(
                "warning: \(latents): the latents belong to the model \(file.model.prefix(12)), not to \(model) "
                    + "(\(faces.info.digest.prefix(12))); the faces differ")
        }
        return file.points.map { .point($0) }
    }

    private func saveLatents(
        _ service: FaceService, _ faces: FaceService.LoadedFaces, to path: String
    ) async throws {
        let points = try await service.points(
            of: faces, seeds: seedValues, space: space, requesting: requested)
        try LatentFile(points, model: faces.info.digest).write(to: path)
        OutputPath.messages(target, savedLatents).writeLine(
            "Wrote \(path): \(Readable.count(points.count, "latent")) in space \(space.rawValue)")
    }

    // MARK: Writing

    private func writeGrid(
        _ service: FaceService, _ faces: FaceService.LoadedFaces, _ sources: [LatentSource]
    ) async throws {
        let picture = try picture()
        let grid = SyntheticImage.grid(
            try await watched("generating", sources.count) { progress in
                try await service.faces(
                    of: faces, from: sources, requesting: requested, batchSize: batch, progress: progress)
            }, columns: columns)
        try picture.write(grid)
        say("Wrote \(target): \(Readable.count(sources.count, "face")), \(grid.width)x\(grid.height)", faces)
    }

    private func writeSheet(_ service: FaceService, _ faces: FaceService.LoadedFaces) async throws {
        guard !faces.attributes.isEmpty else {
            throw CommandError(
                "\(model): --sheet requires a model with attributes; train the recipe conditional")
        }
        let (seeds, columns) = (seedValues, 1 + 2 * faces.attributes.count)
        let images = try await watched("generating", seeds.count * columns) { progress in
            try await service.sheet(of: faces, seeds: seeds, batchSize: batch, progress: progress)
        }
        try picture().write(SyntheticImage.grid(images, columns: columns))
        say(
            "Wrote \(target): \(Readable.count(seeds.count, "face")), then without and with "
                + faces.attributes.joined(separator: ", "), faces)
    }

    /// Generates chunk by chunk, so that memory stays bounded and files are written meanwhile.
    private func writeFiles(
        _ service: FaceService, _ faces: FaceService.LoadedFaces, _ sources: [LatentSource]
    ) async throws {
        let folder = target.hasSuffix("/") ? String(target.dropLast()) : target
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw CommandError("\(folder): the folder cannot be created: \(error.localizedDescription)")
        }
        let format = format ?? .png
        let line = ProgressLine("generating", total: sources.count, unit: .things("faces"))
        let writer = PictureWriter { line.update($0) }
        for start in stride(from: 0, to: sources.count, by: GeneratorRunner.batchSize) {
            if Interrupt.isRequested {
                try writer.finish()
                line.finish("Stopped after \(Readable.count(writer.written, "face")) in \(folder).")
                throw ExitCode(Interrupt.exitStatus)
            }
            let range = start..<min(sources.count, start + GeneratorRunner.batchSize)
            let images = try await service.faces(
                of: faces, from: Array(sources[range]), requesting: requested, batchSize: batch)
            try writer.write(
                zip(range, images).map { row, face in
                    let path = "\(folder)/\(name(of: sources[row], row: row)).\(format.ending)"
                    return (try PictureFile(path: path, format: format), face)
                })
        }
        try writer.finish()
        line.finish()
        say("Wrote \(Readable.count(writer.written, "face")) to \(folder)/", faces)
    }

    private func writeFilm(
        _ service: FaceService, _ faces: FaceService.LoadedFaces, _ sources: [LatentSource]
    ) async throws {
        let total = film.path.frames(stops: sources.count, perStep: film.frames)
        let images = try await watched("generating", total) { progress in
            try await service.film(
                of: faces, through: sources, framesPerStep: film.frames, along: film.path,
                requesting: requested,
                batchSize: batch,
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

    /// File name of a face without extension, such as `seed-000007` or `latent-000000`.
    private func name(of source: LatentSource, row: Int) -> String {
        func padded(_ number: some BinaryInteger) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, 6 - digits.count)) + digits
        }
        switch source {
        case .seed(let seed): return "seed-\(padded(seed))"
        case .point: return "latent-\(padded(row))"
        }
    }

    private func say(_ text: String, _ faces: FaceService.LoadedFaces) {
        let info = faces.info
        let learned =
            info.facts["origin"] == nil ? "\(Readable.count(info.clock.images)) images seen" : "imported"
        OutputPath.messages(target, savedLatents).writeLine(
            "\(text) (\(info.recipe.name), \(learned), \(info.weights == .average ? "averaged" : "raw") weights, \(faces.precision.rawValue))"
        )
    }
}

extension PictureFile.Format: ExpressibleByArgument {}
extension LatentPoint.Space: ExpressibleByArgument {}
extension SynthesisOptions.Noise: ExpressibleByArgument {}
