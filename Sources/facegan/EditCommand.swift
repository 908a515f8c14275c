import ArgumentParser
import Checkpoints
import Console
import Editing
import Files
import Foundation
import Models
import Provenance
import Synthesis
import Torch

/// `facegan edit`: faces with changed attributes.
struct EditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "edit",
        abstract: "Change attributes of generated faces.",
        discussion: """
            Moves the latents of faces along the directions of the model; see facegan directions. Attributes of a conditional \
            model change its labels. Writes one picture with originals and edited faces, or one file for each face if --out is \
            a folder. Prints how much the attributes, the others and the identity change. The metadata of every file contains \
            the recipe of the edit; see facegan replay.

            Examples:
              facegan edit celeba64 --seeds 0-7 --set Smiling=+2,Young=-1
              facegan edit celeba64 --seeds 0-3 --set Eyeglasses=2 --strip 7
              facegan edit celeba64 --seeds 5 --set Smiling=2,Male=2 --grid 5
              facegan edit celeba64 --set Blond_Hair=2 --layers 6-9 --keep-identity
              facegan edit celeba64 --latents mine.safetensors --set Bangs=2 --out out/
              facegan edit runs/conditional --set Smiling=+2 --seeds 0-15
            """)

    @OptionGroup var source: EditedModelOptions

    @OptionGroup var origin: OriginOptions

    @Option(
        name: .customLong("set"), parsing: .unconditional,
        help: ArgumentHelp(
            "Attributes or directions, and how many units to move along them.", valueName: "name=units,..."),
        transform: { try EditList($0) })
    var edits: EditList

    @OptionGroup var direction: DirectionOptions

    @Option(
        parsing: .unconditional,
        help: "A row for each face with this many steps, from the opposite of the edit to the edit.")
    var strip: Int?

    @Option(
        parsing: .unconditional,
        help: "A square of this many steps of the first edit along rows and of the second edit along columns."
    )
    var grid: Int?

    @Option(parsing: .unconditional, help: "Faces in a row of originals and edited faces.")
    var columns = 8

    @Option(
        help: ArgumentHelp(
            "File of the picture, or a folder for single files: a path that ends in /, or an existing folder."
        ))
    var out = "edited.png"

    @Option(
        name: .customLong("save-latents"),
        help: ArgumentHelp("Also write the latents of the edited faces, as safetensors.", valueName: "file"))
    var savedLatents: String?

    @Flag(name: .customLong("no-report"), help: "Do not measure the changes.")
    var omitsReport = false

    @OptionGroup var place: DeviceOptions

    private static let mostFaces = 4096
    /// Faces of a folder whose changes are measured, faces that are edited at once, and latents of one file.
    private static let (mostMeasured, facesAtOnce, mostLatents) = (256, 256, 10_000)

    func validate() throws {
        try NumberRange.check("--strip", strip, 2...63)
        try NumberRange.check("--grid", grid, 2...63)
        try NumberRange.check("--columns", columns, 1...Self.mostFaces)
        if strip != nil, grid != nil { throw ValidationError("Give one of --strip and --grid.") }
        if grid != nil, edits.edits.count != 2 {
            throw ValidationError("--grid requires two edits, such as --set Smiling=2,Male=2.")
        }
        if strip != nil || grid != nil, isFolder {
            throw ValidationError(
                "--strip and --grid write one picture; name a file, such as --out edited.png.")
        }
        if !isFolder { _ = try Self.picture(out) }
        if origin.latents == nil { try checkCount(origin.seeds?.values.count ?? 8) }
    }

    /// File of a path that was checked.
    /// - Throws: `ValidationError` for a path without a known extension.
    static func picture(_ path: String) throws -> PictureFile {
        do { return try PictureFile(path: path, format: nil) } catch let error as SynthesisError {
            throw ValidationError(error.description)
        }
    }

    private var isFolder: Bool {
        var isThere: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: out, isDirectory: &isThere)
        return out.hasSuffix("/") || (exists && isThere.boolValue)
    }

    private func checkCount(_ faces: Int) throws {
        let cells = grid.map { $0 * $0 } ?? faces * (strip ?? 2)
        try checkLatents(faces)
        guard grid == nil || faces == 1 else {
            throw ValidationError(
                "--grid shows one face, got \(Readable.count(faces)); name its seed, such as --seeds 5.")
        }
        guard faces > 0, isFolder || cells <= Self.mostFaces else {
            throw ValidationError(
                "A picture has at most 4,096 faces, got \(Readable.count(cells)); write single files to a folder, such as --out"
                    + " edited/.")
        }
    }

    private func checkLatents(_ faces: Int) throws {
        guard savedLatents == nil || faces <= Self.mostLatents else {
            throw ValidationError(
                "--save-latents: expected at most 10,000 faces, got \(Readable.count(faces)).")
        }
    }

    private var layout: EditRecipe.Layout {
        if let strip { return .strip(strip) }
        return grid.map { .grid($0) } ?? .pairs
    }

    func run() async throws {
        Interrupt.install()
        setenv("OMP_WAIT_POLICY", "passive", 0)
        let service = FaceService(device: try place.prepare(), threads: place.threads)
        try OutputPath.check(
            [isFolder ? nil : out, savedLatents],
            inputs: [source.model, origin.latents, direction.directions, direction.network])
        let model = try await source.load(service)
        let sources = try origin.read(model)
        try checkCount(sources.count)
        let isLabel = edits.edits.allSatisfy { model.attributes.contains($0.name) }
        let file =
            isLabel && direction.directions == nil
            ? nil
            : try DirectionFile.open(source.model, path: direction.directions, digest: model.info.digest)
        let (wanted, options, network) = (edits.edits, direction.options, direction.network)
        let resolved = try await cancelledByInterrupt {
            try await service.resolve(
                wanted, of: model, directions: file?.set, options: options, network: network)
        }
        var recipe = EditRecipe(
            model: model, directions: file, resolved: resolved.edits, space: resolved.space, options: options)
        // A folder can have more faces than fit into memory; their changes are measured on the first ones.
        let shown = isFolder && savedLatents == nil ? Array(sources.prefix(Self.mostMeasured)) : sources
        let origins = try await service.origins(of: model, from: shown, in: resolved.space)
        if isFolder {
            try await writeFiles(service, model, sources, recipe, resolved.edits)
        } else {
            (recipe.layout, recipe.columns) = (layout, columns)
            try await writePicture(service, model, try recipe.of(sources), origins, resolved.edits)
        }
        if let savedLatents { try await save(service, model, origins, resolved.edits, to: savedLatents) }
        guard !omitsReport else { return }
        let layers = options.layers
        let report = try await cancelledByInterrupt {
            try await service.report(resolved.edits, on: origins, layers: layers, of: model, network: network)
        }
        print(report, resolved.edits)
    }

    // MARK: Writing

    private func writePicture(
        _ service: FaceService, _ model: FaceService.LoadedFaces, _ recipe: EditRecipe,
        _ origins: [LatentPoint],
        _ edits: [ResolvedEdit]
    ) async throws {
        let plan = try EditPlan(
            origins, edits, recipe, isExclusive: try await service.hasExclusiveLabels(model))
        let line = ProgressLine("generating", total: plan.points.count, unit: .things("faces"))
        defer { line.finish() }
        let picture = try await cancelledByInterrupt {
            try await service.picture(of: plan, model: model, recipe: recipe) { done, _ in line.update(done) }
        }
        try Self.picture(out).write(picture)
        line.finish()
        messages.writeLine(
            "Wrote \(out): \(Readable.count(origins.count, "face")), \(edits.map(\.edit.text).joined(separator: ", "))"
        )
    }

    private func writeFiles(
        _ service: FaceService, _ model: FaceService.LoadedFaces, _ sources: [LatentSource],
        _ recipe: EditRecipe, _ edits: [ResolvedEdit]
    ) async throws {
        let folder = out.hasSuffix("/") ? String(out.dropLast()) : out
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw CommandError("\(folder): the folder cannot be created: \(error.localizedDescription)")
        }
        let line = ProgressLine("editing", total: sources.count, unit: .things("faces"))
        defer { line.finish() }
        for start in stride(from: 0, to: sources.count, by: Self.facesAtOnce) {
            let part = Array(sources[start..<min(sources.count, start + Self.facesAtOnce)])
            let faces = try await cancelledByInterrupt {
                try await service.editedFaces(of: model, from: part, applying: edits, recipe: recipe) {
                    done, _ in
                    line.update(start + done)
                }
            }
            for (row, (source, face)) in zip(part, faces).enumerated() {
                let name =
                    if case .seed(let seed) = source { "seed-\(seed)" } else { "latent-\(start + row)" }
                try PictureFile(path: "\(folder)/\(name).png", format: .png).write(face)
            }
        }
        line.finish()
        messages.writeLine("Wrote \(Readable.count(sources.count, "face")) to \(folder)/")
    }

    private func save(
        _ service: FaceService, _ model: FaceService.LoadedFaces, _ origins: [LatentPoint],
        _ edits: [ResolvedEdit],
        to path: String
    ) async throws {
        let isExclusive = try await service.hasExclusiveLabels(model)
        let moved = try origins.map { origin in
            var point = try origin.edited(
                edits, factors: edits.map { _ in 1 }, layers: direction.options.layers,
                isExclusive: isExclusive)
            point.origin = "\(origin.origin) \(edits.map(\.edit.text).joined(separator: " "))"
            return point
        }
        try LatentFile(moved, model: model.info.digest).write(to: path)
        messages.writeLine(
            "Wrote \(path): \(Readable.count(moved.count, "latent")) in space \(moved[0].space.rawValue)")
    }

    private var messages: ConsoleOutput { OutputPath.messages(out, savedLatents) }

    // MARK: Report

    private func print(_ report: EditReport, _ edits: [ResolvedEdit]) {
        var table = Table(
            ["", "logit before", "after", "change", "faces changed"],
            alignments: [.left, .right, .right, .right, .right])
        func row(_ title: String, _ change: EditReport.Change) {
            table.add([
                title, Readable.fixed(change.before, 2), Readable.fixed(change.after, 2),
                (change.difference > 0 ? "+" : "") + Readable.fixed(change.difference, 2),
                Readable.fixed(100 * change.flips, 0) + " %",
            ])
        }
        for edit in edits {
            // A face network may not know an attribute of a conditional model.
            guard let change = report.targets.first(where: { $0.name == edit.attribute }) else { continue }
            row(edit.edit.name == change.name ? change.name : "\(edit.edit.name): \(change.name)", change)
        }
        for change in report.others.prefix(5) where change.flips > 0 { row("  \(change.name)", change) }
        for line in table.lines(for: messages) { messages.writeLine(line) }
        messages.writeLine(
            "Other attributes changed in \(Readable.fixed(100 * report.leakage, 1)) % of the faces on average; identity \(Readable.fixed(report.identity, 2)) (\(report.identityNetwork), \(Readable.count(report.faces, "face")))"
        )
        if let advice = report.advice { messages.writeLine(advice) }
    }
}
