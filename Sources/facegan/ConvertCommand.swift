import ArgumentParser
import Checkpoints
import Console
import Foundation
import Imaging
import Provenance
import Recipes
import Synthesis
import Torch

/// `facegan convert`: photographs with changed attributes.
struct ConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Change attributes of faces in photographs.",
        discussion: """
            Finds the face in each photograph, aligns it as the model expects it, and writes it with the requested changes. \
            Also writes a strip: the face, then intensities from 0 to twice the requested one. An attribute that a face has \
            already becomes stronger. To download the weights of the detector once, run: facegan weights get yunet.

            Examples:
              facegan convert runs/convert me.jpg --attr Smiling=1 --out out/
              facegan convert runs/convert me.jpg --attr Young=0,Eyeglasses=1 --out out/
              facegan convert runs/convert me.jpg --attr Bangs=1 --intensity 1.5 --out out/
              facegan convert runs/convert group.jpg --faces all --paste \\
                  --attr Smiling=1 --out out/
            """)

    @Argument(help: "A run directory or a model file.")
    var model: String

    @OptionGroup var photographs: FaceOptions

    @Option(
        name: .customLong("attr"),
        help: ArgumentHelp(
            "Attributes that the faces get (=1) or lose (=0), separated by commas.", valueName: "name=1,..."),
        transform: { try AttributeList($0) })
    var attributes: AttributeList

    @Option(
        parsing: .unconditional, help: "Intensity of the changes: 1 as in training, 0 none, 2 twice as much.")
    var intensity = 1.0

    @Flag(help: "Use the state of a run with the best score, in place of the newest.")
    var best = false

    @OptionGroup var place: DeviceOptions

    func validate() throws {
        try NumberRange.check("--intensity", intensity, 0...10)
    }

    /// Intensities of the strip, relative to the requested one.
    private static let strip = [0, 0.5, 1, 1.5, 2]

    func run() throws {
        Interrupt.install()
        // Threads that spin while they wait would slow down decoding and encoding.
        setenv("OMP_WAIT_POLICY", "passive", 0)
        let device = try place.prepare()
        let loaded = try ConversionModel(model, state: best ? .best : .last, device: device)
        let wanted = attributes.wanted
        for (name, _) in wanted { _ = try loaded.column(of: name) }
        let converter = PhotoConverter(loaded)
        try photographs.process(
            "converting", data: try loaded.info.dataProtocol(),
            side: loaded.recipe.resolution,
            results: ["", "-strip"], device: device, marked: { converter.marked($0) }
        ) { face, _ in
            let row = try Self.strip.map { try converter.converted(face, wanted, intensity: $0 * intensity) }
            let captions = ["photo"] + Self.strip.map { Readable.fixed($0 * intensity, 2) }
            return [
                try converter.converted(face, wanted, intensity: intensity),
                .grid([converter.marked(face)] + row, columns: row.count + 1, captions: captions),
            ]
        }
    }
}
