import ArgumentParser
import Checkpoints
import Console
import Evaluation
import Foundation
import Imaging
import Models
import Provenance
import Recipes
import Synthesis
import Torch

/// `facegan reconstruct`: reconstructions of photographs by an autoencoder.
struct ReconstructCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reconstruct",
        abstract: "Reconstruct faces with an autoencoder, and measure the error.",
        discussion: """
            Finds the face in each photograph, aligns it as the model expects it, and writes its reconstruction, and both \
            side by side. The person stays the same; the command cannot change it.

            A model that was also trained against a critic has two sets of weights; --strength interpolates: 0 is before \
            the critic, 1 the newest. To download the weights of the detector once, run: facegan weights get yunet.

            Examples:
              facegan reconstruct runs/dfl portrait.jpg --out out/
              facegan reconstruct runs/dfl photos/ --strength 0.5 --out out/
              facegan reconstruct runs/dfl group.jpg --faces all --paste --out out/
              facegan reconstruct runs/dfl crops/ --aligned --out out/
            """)

    @Argument(help: "A run directory or a model file.")
    var model: String

    @OptionGroup var photographs: FaceOptions

    @OptionGroup var stage: StageOptions

    @OptionGroup var place: DeviceOptions

    func run() throws {
        Interrupt.install()
        // Threads that spin while they wait would slow down decoding and encoding.
        setenv("OMP_WAIT_POLICY", "passive", 0)
        let device = try place.prepare()
        let loaded = try stage.load(model, device: device)
        guard loaded.recipe.restoration.restorer.kind == .autoencoder else {
            throw CommandError("\(loaded.path): this model enlarges pictures; use it with `facegan upscale`")
        }
        let restorer = PhotoRestorer(loaded)
        let side = loaded.recipe.resolution
        let measures = try PairMeasure.available(side: side, device: device)
        var values = measures.map { _ in [Double]() }
        try photographs.process(
            "reconstructing", data: try loaded.info.dataProtocol(), side: side,
            results: ["", "-beside"],
            device: device, marked: { restorer.marked($0) }
        ) { face, _ in
            let made = restorer.reconstructed(face)
            let (a, b) = (made.picture.tensor(on: device), face.tensor(on: device))
            for (index, measure) in measures.enumerated() {
                values[index] += withoutGradients { measure(a, b).doubles() }
            }
            return [made, .grid([restorer.marked(face), made], columns: 2)]
        }
        guard let count = values.first?.count, count > 0 else { return }
        var table = Table([count == 1 ? "" : "mean of \(count)", "value"], alignments: [.left, .right])
        for (measure, values) in zip(measures, values) {
            let arrow = measure.isLowerBetter ? " ↓" : " ↑"
            table.add([measure.label + arrow, Readable.fixed(values.reduce(0, +) / Double(count), 4)])
        }
        for line in table.lines(for: .standardOutput) { ConsoleOutput.standardOutput.writeLine(line) }
    }
}
