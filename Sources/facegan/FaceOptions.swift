import ArgumentParser
import Console
import Datasets
import Files
import Foundation
import Imaging
import Provenance
import Synthesis
import Torch

/// Photographs that a network shall change, and which faces in them are meant.
struct FaceOptions: ParsableArguments {
    @Argument(help: "Photographs (JPEG, PNG, WebP) or folders of them.")
    var photos: [String]

    @Option(help: "The folder for the results; made if it is not there.")
    var out: String

    @Flag(help: "The photographs are faces as the model expects them: nothing is looked for.")
    var aligned = false

    @Option(
        help: "Which faces: the largest, the one nearest to the center, all, or one, which refuses several.")
    var faces: FaceChoice = .largest

    @Option(help: ArgumentHelp("Smaller faces are left out.", valueName: "pixels"))
    var minFace = 24

    @Flag(help: "Write the whole photographs, too, with the new faces in their places.")
    var paste = false

    @Flag(help: "Replace files that are there already.")
    var overwrite = false

    func validate() throws {
        if minFace < 1 { throw ValidationError("--min-face: expected 1 or more, got \(minFace).") }
        if aligned, paste {
            throw ValidationError("--paste puts faces back that were looked for: leave --aligned out.")
        }
    }

    /// Goes through the photographs; one that fails is named, and the others are done all the same.
    /// - Parameters:
    ///   - results: what each photograph's results are called, behind its name.
    ///   - change: makes the results of a face, in the order of `results`; the first is what gets pasted.
    /// - Throws: `CommandError` before any work is done; `ExitCode` when a photograph failed, or on Ctrl-C.
    func walk(
        _ verb: String, data: Datasets.DataProtocol, side: Int, results: [String], device: Device,
        marked: (Picture) -> SyntheticImage,
        change: (_ face: Picture, _ name: String) throws -> [SyntheticImage]
    ) throws {
        let list = try PhotoList(photos).photos
        let files = ResultFiles(out: out, overwrites: overwrite)
        try files.checkRoom(for: list, endings: results.map { $0 + ".png" } + (paste ? ["-pasted.png"] : []))
        let aligner = aligned ? nil : try FaceAligner(device: device)
        var crowds = 0
        let walk = PhotoWalk(verb, list, advice: { FaceAdvice.text(on: $0) }) { photo, _ in
            var written = 0
            func write(_ image: SyntheticImage, _ name: String) throws {
                try files.write(image, to: name)
                written += 1
            }
            let picture = try photo.picture()
            var whole = picture
            let cut = try cut(picture, aligner, data, side)
            if cut.isCrowd { crowds += 1 }
            for (index, face) in cut.faces.enumerated() {
                let name = photo.name + (faces == .all && aligner != nil ? "-\(index + 1)" : "")
                let made = try change(face.picture, name)
                for (ending, image) in zip(results, made) { try write(image, "\(name)\(ending).png") }
                if paste, let place = face.place, let first = made.first {
                    whole = place.pasted(first.picture, into: whole)
                }
            }
            if paste { try write(marked(whole), "\(photo.name)-pasted.png") }
            return written
        }
        try walk.finish(
            "Wrote \(Readable.count(walk.written, "picture")) of \(Readable.count(walk.done, "photograph")) to "
                + "\(files.folder)/" + FaceAdvice.text(onCrowds: crowds, faces))
    }

    /// Faces as a model expects them, and where they lie; a photograph that is a face itself lies nowhere. Beside them
    /// whether others were left out.
    private func cut(
        _ picture: Picture, _ aligner: FaceAligner?, _ data: Datasets.DataProtocol, _ side: Int
    ) throws -> (faces: [(picture: Picture, place: AlignedFace?)], isCrowd: Bool) {
        guard let aligner else { return ([(try square(picture, data, side), nil)], false) }
        let found = aligner.faces(in: picture)
        let chosen = try faces.choose(from: found, in: picture, minimumSize: minFace).map {
            let face = aligner.align(picture, face: $0, protocol: data, side: side)
            return (picture: face.picture, place: Optional(face))
        }
        return (chosen, faces.leavesSome(of: found, minimumSize: minFace))
    }

    /// A photograph of the set that the protocol was made for is cropped by it; another one is taken whole.
    private func square(_ picture: Picture, _ data: Datasets.DataProtocol, _ side: Int) throws -> Picture {
        if picture.width == picture.height {
            return picture.resized(width: side, height: side, filter: data.filter)
        }
        let crop = Datasets.DataProtocol(name: data.name, crop: data.crop, filter: data.filter, size: side)
        return try crop.apply(picture)
    }
}
