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

/// `facegan upscale`: super resolution of photographs.
struct UpscaleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upscale",
        abstract: "Enlarge photographs by super resolution.",
        discussion: """
            Enlarges each photograph by the factor of the model: 2, 4 or 8. Large photographs are computed in overlapping \
            tiles. The model invents details that the photograph does not show: they are not evidence of what was there.

            A model that was also trained against a critic has two sets of weights; --strength interpolates: 0 is closer to \
            the pixels, 1 is sharper.

            Examples:
              facegan upscale runs/superres small.jpg --out large/
              facegan upscale runs/superres small.jpg --beside --out large/
              facegan upscale runs/superres photos/ --strength 0.5 --out large/
              facegan upscale runs/superres big.png --tile 128 --out large/
            """)

    @Argument(help: "A run directory or a model file.")
    var model: String

    @Argument(help: "Photographs (JPEG, PNG, WebP) or folders of them.")
    var photos: [String]

    @Option(help: "Folder of the results; created if it does not exist.")
    var out: String

    @OptionGroup var stage: StageOptions

    @Option(
        parsing: .unconditional,
        help: "Side of the tiles, in pixels of the photograph; smaller tiles need less memory.")
    var tile = 192

    @Flag(
        help:
            "Also write NAME-beside.png: a comparison with bicubic interpolation, for results of up to 16 million pixels."
    )
    var beside = false

    @Flag(help: "Replace existing files.")
    var overwrite = false

    @OptionGroup var place: DeviceOptions

    func validate() throws {
        try place.validate()
        try NumberRange.check("--tile", tile, 16...4096)
    }

    /// Largest number of pixels of a result for which the comparison is written.
    private static let mostBeside = 16 << 20

    func run() throws {
        Interrupt.install()
        let list = try PhotoList(photos).photos
        let files = ResultFiles(out: out, overwrites: overwrite)
        try files.checkNames(for: list, endings: [".png"] + (beside ? ["-beside.png"] : []))
        // Threads that spin while they wait would slow down decoding and encoding.
        setenv("OMP_WAIT_POLICY", "passive", 0)
        let device = try place.prepare()
        let loaded = try stage.load(model, device: device)
        guard loaded.recipe.restoration.restorer.kind != .autoencoder else {
            throw CommandError(
                "\(loaded.path): this model reconstructs faces; use it with `facegan reconstruct`")
        }
        let restorer = PhotoRestorer(loaded)
        let scale = loaded.restorer.scale
        let pass = PhotoPass("enlarging", list) { photo, note in
            let picture = try photo.picture()
            let large = try restorer.enlarged(picture, tile: tile) { tiles, total in
                if Interrupt.isRequested { throw CancellationError() }
                note("\(photo.name): tile \(tiles) of \(total)")
            }
            try files.write(large, to: "\(photo.name).png")
            guard beside, large.width * large.height <= Self.mostBeside else { return 1 }
            let plain = picture.resized(
                width: picture.width * scale, height: picture.height * scale, filter: .bicubic)
            try files.write(
                .grid(
                    [restorer.marked(plain), large], columns: 2, captions: ["cubics", loaded.recipe.name]),
                to: "\(photo.name)-beside.png")
            return 2
        }
        try pass.finish(
            "Wrote \(Readable.count(pass.done, "picture")) to \(files.folder)/, \(scale) times as large")
    }
}
