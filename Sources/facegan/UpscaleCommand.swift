import ArgumentParser
import Checkpoints
import Console
import Foundation
import Imaging
import Models
import Provenance
import Recipes
import Synthesis
import Torch

/// `facegan upscale`: larger pictures of photographs.
struct UpscaleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upscale",
        abstract: "Enlarge photographs by super resolution.",
        discussion: """
            Writes each photograph 2, 4 or 8 times as large, as the model has learnt it, and, up to 16 million pixels, \
            beside it what cubics alone give. \
            Large photographs are computed in tiles that overlap. What is not in a photograph is invented, as faces mostly \
            have it: do not take it for what was there.

            A model that has learnt against a critic has two sets of weights; --strength mixes them: 0 is truer to the \
            pixels, 1 sharper.

            Examples:
              facegan upscale runs/superres small.jpg --out large/
              facegan upscale runs/superres photos/ --strength 0.5 --out large/
              facegan upscale runs/superres big.png --tile 128 --out large/
            """)

    @Argument(help: "A run's folder or a model file.")
    var model: String

    @Argument(help: "Photographs (JPEG, PNG, WebP) or folders of them.")
    var photos: [String]

    @Option(help: "The folder for the results; made if it is not there.")
    var out: String

    @OptionGroup var stage: StageOptions

    @Option(help: "Side of the tiles in pixels of the photograph: less takes less memory.")
    var tile = 192

    @Flag(help: "Replace files that are there already.")
    var overwrite = false

    @OptionGroup var place: DeviceOptions

    func validate() throws {
        try place.validate()
        if tile < 16 { throw ValidationError("--tile: expected 16 or more, got \(tile).") }
    }

    /// Pixels of a result beside which what cubics give is written, too.
    private static let mostBeside = 16 << 20

    func run() throws {
        Interrupt.install()
        let list = try PhotoList(photos).photos
        let files = ResultFiles(out: out, overwrites: overwrite)
        try files.checkNames(for: list, endings: [".png", "-beside.png"])
        // Threads that spin while they wait take the processors from decoding and encoding.
        setenv("OMP_WAIT_POLICY", "passive", 0)
        let device = try place.prepare()
        let loaded = try stage.load(model, device: device)
        guard loaded.recipe.restoration.restorer.kind != .autoencoder else {
            throw CommandError("\(loaded.path): this model gives faces back; use it by `facegan reconstruct`")
        }
        let restorer = PhotoRestorer(loaded)
        let scale = loaded.restorer.scale
        let walk = PhotoWalk("enlarging", list) { photo, note in
            let picture = try photo.picture()
            let large = try restorer.enlarged(picture, tile: tile) { tiles, total in
                if Interrupt.isRequested { throw CancellationError() }
                note("\(photo.name): tile \(tiles) of \(total)")
            }
            try files.write(large, to: "\(photo.name).png")
            guard large.width * large.height <= Self.mostBeside else { return 1 }
            let plain = picture.resized(
                width: picture.width * scale, height: picture.height * scale, filter: .bicubic)
            try files.write(
                .grid(
                    [restorer.marked(plain), large], columns: 2, captions: ["cubics", loaded.recipe.name]),
                to: "\(photo.name)-beside.png")
            return 2
        }
        try walk.finish(
            "Wrote \(Readable.count(walk.done, "picture")) to \(files.folder)/, \(scale) times as large")
    }
}
