import ArgumentParser
import Checkpoints
import Console
import Datasets
import Files
import Foundation
import Imaging
import Provenance
import Synthesis

/// `facegan align`: faces cut out of photographs as a model expects them.
struct AlignCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "align",
        abstract: "Cut faces out of photographs, upright and framed as models expect them.",
        discussion: """
            Finds faces and five points of each, turns and scales them to where the data protocol has them on average, and \
            writes each as a PNG of its own. Photographs may be of any size and lie on their side. The detector's weights \
            are fetched once: facegan weights get yunet.

            A photograph without a usable face is named with what was found in it, the others are done all the same, and \
            the exit status is 1. The crops are photographs: they bear no mark unless the photograph had one, and nothing \
            else of its metadata.

            Examples:
              facegan align holiday.jpg --out faces/
              facegan align photos/ --run runs/celeba --out faces/
              facegan align group.jpg --faces all --thorough --check --out faces/
              facegan align photos/ --protocol celeba64-148 --json --out faces/
              facegan align portrait.jpg --side 512 --out faces/
            """)

    @Argument(help: "Photographs (JPEG, PNG, WebP) or folders of them.")
    var photos: [String]

    @Option(help: "The folder for the results; made if it is not there.")
    var out: String

    @Option(
        name: .customLong("protocol"),
        help: ArgumentHelp("Where faces shall lie, such as celeba64-148. (default: celeba256-178)"))
    var protocolName: String?

    @Option(
        name: .customLong("run"),
        help: "A run or model: take the protocol and the side that it learnt under.")
    var model: String?

    @Option(help: ArgumentHelp("Width and height of a result in pixels. (default: the protocol's)"))
    var side: Int?

    @Option(
        help: "Which faces: the largest, the one nearest to the center, all, or one, which refuses several.")
    var faces: FaceChoice = .largest

    @Option(help: ArgumentHelp("Smaller faces are left out.", valueName: "pixels"))
    var minFace = 24

    @Flag(help: "Look for small faces in large photographs, too; takes several times as long.")
    var thorough = false

    @Flag(help: "Write NAME-check.png: the photograph with what was found and what is cut.")
    var check = false

    @Flag(help: "Write NAME.json: boxes, points and the way from the photograph into each result.")
    var json = false

    @Flag(help: "Replace files that are there already.")
    var overwrite = false

    @OptionGroup var place: DeviceOptions

    func validate() throws {
        try place.validate()
        if model != nil, protocolName != nil {
            throw ValidationError("--run brings its protocol: leave --protocol out.")
        }
        if let side, !(8...4096).contains(side) {
            throw ValidationError("--side: expected 8 to 4096, got \(side).")
        }
        if minFace < 1 { throw ValidationError("--min-face: expected 1 or more, got \(minFace).") }
    }

    func run() throws {
        Interrupt.install()
        // Beside other programs, threads that spin between layers cost twenty times what the layers do.
        setenv("OMP_WAIT_POLICY", "passive", 0)
        let list = try PhotoList(photos).photos
        let data =
            try model.map { try ModelFile($0).dataProtocol() }
            ?? Datasets.DataProtocol.parse(protocolName ?? "celeba256-178")
        let writer = AlignedFiles(
            files: ResultFiles(out: out, overwrites: overwrite), numbersFaces: faces == .all,
            data: data, side: side ?? data.size)
        try writer.checkNames(for: list, json: json, check: check)
        let aligner = try FaceAligner(device: try place.prepare())
        var crowds = 0
        let walk = PhotoWalk(
            "aligning", list, advice: { FaceAdvice.text(on: $0, canLookCloser: !thorough) }
        ) { photo, _ in
            let (written, isCrowd) = try align(photo, aligner, writer)
            if isCrowd { crowds += 1 }
            return written
        }
        try walk.finish(
            "Wrote \(Readable.count(walk.written, "face")) of \(Readable.count(walk.done, "photograph")) to "
                + "\(writer.folder)/, \(writer.side)x\(writer.side) under \(data)"
                + FaceAdvice.text(onCrowds: crowds, faces))
    }

    /// Finds, cuts and writes; returns how many faces were written, and whether others were left out.
    private func align(
        _ photo: Photograph, _ aligner: FaceAligner, _ writer: AlignedFiles
    ) throws -> (written: Int, isCrowd: Bool) {
        let file = try MappedFile(path: photo.path)
        let bytes = try file.bytes(file.all)
        let picture = try PictureDecoder.decode(bytes).picture.rgb()
        let origin = Provenance.read(bytes)
        let found = aligner.faces(in: picture, thorough: thorough)
        let chosen = Result {
            try faces.choose(from: found, in: picture, minimumSize: minFace).map {
                aligner.align(picture, face: $0, protocol: writer.data, side: writer.side)
            }
        }
        // What is wrong with a photograph shows best on its check.
        if check {
            let shown = FaceCheck.draw(on: picture, found: found, cut: (try? chosen.get()) ?? [])
            try writer.write(shown, to: writer.path(photo, ending: "-check.png"), origin)
        }
        let cut = try chosen.get()
        for (index, face) in cut.enumerated() {
            try writer.write(face.picture, to: writer.path(photo, face: index), origin)
        }
        if json { try writer.writeRecord(of: cut, in: picture, photo) }
        return (cut.count, faces.leavesSome(of: found, minimumSize: minFace))
    }
}

extension FaceChoice: ExpressibleByArgument {}
