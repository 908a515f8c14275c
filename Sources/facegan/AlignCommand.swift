import ArgumentParser
import Checkpoints
import Console
import Datasets
import Files
import Foundation
import Imaging
import Provenance
import Synthesis

/// `facegan align`: crops of faces from photographs, aligned for a model.
struct AlignCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "align",
        abstract: "Crop faces from photographs, upright and aligned as models expect them.",
        discussion: """
            Finds faces and five landmarks of each, rotates and scales them to the mean positions of the data protocol, and \
            writes each face to a PNG file. Photographs may have any size and orientation. To download the weights of the \
            detector once, run: facegan weights get yunet.

            A photograph without a usable face is reported, the other photographs are processed, and the exit status is 1. \
            The crops keep the mark of generated media if the photograph has one, and no other metadata.

            Examples:
              facegan align holiday.jpg --out faces/
              facegan align photos/ --run runs/celeba --out faces/
              facegan align group.jpg --faces all --thorough --check --out faces/
              facegan align photos/ --protocol celeba64-148 --json --out faces/
              facegan align portrait.jpg --side 512 --out faces/
            """)

    @Argument(help: "Photographs (JPEG, PNG, WebP) or folders of them.")
    var photos: [String]

    @Option(help: "Folder of the results; created if it does not exist.")
    var out: String

    @Option(
        name: .customLong("protocol"),
        help: ArgumentHelp("Data protocol of the alignment, such as celeba64-148. (default: celeba256-178)"))
    var protocolName: String?

    @Option(
        name: .customLong("run"),
        help: "A run or model; its protocol and resolution are used.")
    var model: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Width and height of a result in pixels. (default: from the protocol)"))
    var side: Int?

    @Option(
        help:
            "Faces to use: largest, center (nearest to the center), all, or one (fails if there are several)."
    )
    var faces: FaceChoice = .largest

    @Option(parsing: .unconditional, help: ArgumentHelp("Smallest size of a face.", valueName: "pixels"))
    var minFace = 24

    @Flag(help: "Also search for small faces in large photographs; takes several times as long.")
    var thorough = false

    @Flag(help: "Write NAME-check.png: the photograph with detections and crops drawn on it.")
    var check = false

    @Flag(help: "Write NAME.json: boxes, landmarks, and the transform from the photograph to each result.")
    var json = false

    @Flag(help: "Replace existing files.")
    var overwrite = false

    @OptionGroup var place: DeviceOptions

    func validate() throws {
        try place.validate()
        if model != nil, protocolName != nil {
            throw ValidationError("--run sets the protocol; omit --protocol.")
        }
        try NumberRange.check("--side", side, 8...4096)
        try NumberRange.check("--min-face", minFace, NumberRange.side)
    }

    func run() throws {
        Interrupt.install()
        // If other programs use the processors, spinning between layers takes up to 20 times as long as the layers.
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
        let pass = PhotoPass(
            "aligning", list, advice: { FaceAdvice.text(on: $0, canLookCloser: !thorough) }
        ) { photo, _ in
            let (written, isCrowd) = try align(photo, aligner, writer)
            if isCrowd { crowds += 1 }
            return written
        }
        try pass.finish(
            "Wrote \(Readable.count(pass.written, "face")) of \(Readable.count(pass.done, "photograph")) to "
                + "\(writer.folder)/, \(writer.side)x\(writer.side) under \(data)"
                + FaceAdvice.text(onCrowds: crowds, faces))
    }

    /// Aligns and writes the faces of a photograph.
    /// - Returns: number of written faces, and whether the photograph has faces that were not chosen.
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
        // The check picture is also written for a photograph that fails.
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
