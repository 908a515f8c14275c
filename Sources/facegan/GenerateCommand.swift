import ArgumentParser
import Checkpoints
import Console
import Files
import Foundation
import Imaging
import Provenance
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
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case png, jpeg }

    @Argument(help: "A run's folder or a model file.")
    var model: String

    @Option(help: ArgumentHelp("Seeds and ranges, such as 0-63,100. (default: 0-63)"))
    var seeds: SeedList?

    @Option(help: "This many faces, from seed 0 on.")
    var count: Int?

    @Option(
        help:
            "A picture's name for a grid or a film; a folder (ending in / or there already) for single files."
    )
    var out = "faces.png"

    @Flag(help: "Single files, whatever --out looks like.")
    var files = false

    @Option(help: ArgumentHelp("png or jpeg. (default: as --out ends, else png)"))
    var format: Format?

    @Flag(
        inversion: .prefixedNo, help: ArgumentHelp("The moving average of the weights.", visibility: .hidden))
    var ema = true

    @Flag(help: "The weights as trained, instead of their moving average (--ema).")
    var raw = false

    @Flag(help: "A film through the seeds: animated PNG, or mp4 if --out ends so and ffmpeg is there.")
    var interpolate = false

    @Option(help: "Frames from one seed to the next in a film.")
    var frames = 24

    @Option(help: "Faces in a row of the grid.")
    var columns: Int?

    @Option(help: "Faces computed at once; changes speed and memory only.")
    var batch = 64

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
    }

    func run() throws {
        Interrupt.install()
        let device = try place.prepare()
        let sampler = try FaceSampler(model, weights: raw || !ema ? .raw : .average, device: device)
        let wanted = seeds?.values ?? (0..<UInt64(count ?? 64)).map { $0 }
        if interpolate { return try writeFilm(sampler, wanted) }
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: out, isDirectory: &isFolder)
        if files || out.hasSuffix("/") || (exists && isFolder.boolValue) {
            try writeFiles(sampler, wanted)
        } else {
            try writeGrid(sampler, wanted)
        }
    }

    private var isJPEG: Bool {
        format.map { $0 == .jpeg } ?? [".jpg", ".jpeg"].contains { out.lowercased().hasSuffix($0) }
    }

    private func encode(_ image: SyntheticImage) throws -> [UInt8] {
        isJPEG ? try image.jpeg() : try image.png()
    }

    private func writeGrid(_ sampler: FaceSampler, _ wanted: [UInt64]) throws {
        guard wanted.count <= 4096 else {
            throw ValidationError(
                "\(wanted.count) faces do not fit a grid: give a folder as --out, or at most 4,096.")
        }
        let grid = SyntheticImage.grid(sampler.faces(seeds: wanted, batchSize: batch), columns: columns)
        try AtomicFile.write(try encode(grid), to: out)
        say("Wrote \(out): \(Readable.count(wanted.count, "face")), \(grid.width)x\(grid.height)", sampler)
    }

    private func writeFiles(_ sampler: FaceSampler, _ wanted: [UInt64]) throws {
        let folder = out.hasSuffix("/") ? String(out.dropLast()) : out
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let line = ProgressLine("generating", total: wanted.count, unit: .things("faces"))
        var done = 0
        for start in stride(from: 0, to: wanted.count, by: batch) {
            if Interrupt.isRequested {
                line.finish("Stopped after \(Readable.count(done, "face")) in \(folder).")
                throw ExitCode(Interrupt.exitStatus)
            }
            let part = Array(wanted[start..<min(wanted.count, start + batch)])
            for (seed, face) in zip(part, sampler.faces(seeds: part, batchSize: batch)) {
                try AtomicFile.write(
                    try encode(face), to: "\(folder)/seed-\(padded(seed)).\(isJPEG ? "jpg" : "png")")
                done += 1
            }
            line.update(done)
        }
        line.finish()
        say("Wrote \(Readable.count(done, "face")) to \(folder)/", sampler)
    }

    private func writeFilm(_ sampler: FaceSampler, _ wanted: [UInt64]) throws {
        guard wanted.count >= 2, wanted.count * frames <= 5000 else {
            throw ValidationError(
                "A film takes 2 seeds or more, and at most 5,000 frames (seeds x --frames).")
        }
        let images = sampler.film(through: wanted, framesPerStep: frames, batchSize: batch)
        if out.lowercased().hasSuffix(".mp4") {
            try Film.writeMP4(images, to: out)
        } else {
            try AtomicFile.write(try SyntheticImage.film(images, millisecondsPerFrame: 42), to: out)
        }
        say("Wrote \(out): \(Readable.count(images.count, "frame"))", sampler)
    }

    private func padded(_ seed: UInt64) -> String {
        let digits = String(seed)
        return String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    }

    private func say(_ text: String, _ sampler: FaceSampler) {
        let model = sampler.model
        ConsoleOutput.standardOutput.writeLine(
            "\(text) (\(model.recipe.name), \(Readable.count(model.clock.images)) images seen, "
                + "\(model.weights == .average ? "averaged" : "raw") weights)")
        if !raw, ema, model.weights == .raw {
            ConsoleOutput.standardError.writeLine(
                "note: this file has no moving average; the raw weights were used")
        }
    }
}
