import ArgumentParser
import Console
import Datasets
import Files
import Foundation
import Imaging
import Provenance
import Synthesis
import Torch

/// Options of commands that change faces in photographs.
struct FaceOptions: ParsableArguments {
    @Argument(help: "Photographs (JPEG, PNG, WebP) or folders of them.")
    var photos: [String]

    @Option(help: "Folder of the results; created if it does not exist.")
    var out: String

    @Flag(help: "The photographs are aligned faces; do not search for faces.")
    var aligned = false

    @Option(
        help:
            "Faces to use: largest, center (nearest to the center), all, or one (fails if there are several)."
    )
    var faces: FaceChoice = .largest

    @Option(parsing: .unconditional, help: ArgumentHelp("Smallest size of a face.", valueName: "pixels"))
    var minFace = 24

    @Flag(help: "Also write the whole photographs with the changed faces in them.")
    var paste = false

    @Flag(help: "Replace existing files.")
    var overwrite = false

    func validate() throws {
        try NumberRange.check("--min-face", minFace, NumberRange.side)
        if aligned, paste {
            throw ValidationError("--paste requires a search for faces; omit --aligned.")
        }
    }

    /// Processes the photographs. A photograph that fails is reported, and the others are processed.
    /// - Parameters:
    ///   - results: ends of the file names of the results, after the name of the photograph.
    ///   - change: computes the results of a face, in the order of `results`; the first one is pasted.
    /// - Throws: `CommandError` before any work is done; `ExitCode` when a photograph failed, or on Ctrl-C.
    func process(
        _ verb: String, data: Datasets.DataProtocol, side: Int, results: [String], device: Device,
        marked: (Picture) -> SyntheticImage,
        change: (_ face: Picture, _ name: String) throws -> [SyntheticImage]
    ) throws {
        let list = try PhotoList(photos).photos
        let files = ResultFiles(out: out, overwrites: overwrite)
        try files.checkNames(for: list, endings: results.map { $0 + ".png" } + (paste ? ["-pasted.png"] : []))
        let aligner = aligned ? nil : try FaceAligner(device: device)
        var crowds = 0
        let pass = PhotoPass(verb, list, advice: { FaceAdvice.text(on: $0) }) { photo, _ in
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
        try pass.finish(
            "Wrote \(Readable.count(pass.written, "picture")) of \(Readable.count(pass.done, "photograph")) to "
                + "\(files.folder)/" + FaceAdvice.text(onCrowds: crowds, faces))
    }

    /// Aligned faces and their places in the photograph; no place for a photograph that is an aligned face.
    /// - Returns: the faces, and whether the photograph has faces that were not chosen.
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

    /// Input of the model. A square photograph is resized; another one is cropped by the protocol.
    private func square(_ picture: Picture, _ data: Datasets.DataProtocol, _ side: Int) throws -> Picture {
        if picture.width == picture.height {
            return picture.resized(width: side, height: side, filter: data.filter)
        }
        let crop = Datasets.DataProtocol(
            name: data.name, crop: data.crop, filter: data.filter, size: side, background: data.background)
        return try crop.apply(picture)
    }
}

/// Advice for photographs without the requested face.
enum FaceAdvice {
    /// Message of an error, with the options that avoid it.
    /// - Parameter canLookCloser: whether the command has `--thorough`.
    static func text(on error: any Error, canLookCloser: Bool = false) -> String {
        switch error as? FaceError {
        case .some(.none):
            canLookCloser ? "\(FaceError.none); --thorough also finds smaller ones" : "\(FaceError.none)"
        case .some(.several): "\(error): --faces largest, center or all"
        case .some(.small): "\(error): --min-face"
        case nil: "\(error)"
        }
    }

    /// Addition to the summary if photographs had faces that were not chosen; empty for none.
    static func text(onCrowds count: Int, _ choice: FaceChoice) -> String {
        count == 0
            ? ""
            : "; \(Readable.count(count, "photograph")) had several faces; \(choice.words) was used"
                + " (--faces all uses all)"
    }
}

extension FaceChoice {
    fileprivate var words: String { self == .center ? "the one nearest to the center" : "the largest" }
}

/// Check picture of an alignment.
enum FaceCheck {
    private static let longest = 1280

    private static let cutColor = Color(red: 255, green: 214, blue: 0)
    private static let boxColor = Color(red: 64, green: 224, blue: 208)
    private static let leftOut = Color(gray: 190)
    private static let pointColors = [
        Color(red: 80, green: 170, blue: 255), Color(red: 80, green: 170, blue: 255),
        Color(red: 120, green: 230, blue: 90), Color(red: 255, green: 90, blue: 130),
        Color(red: 255, green: 90, blue: 130),
    ]

    /// Photograph with boxes, sizes in pixels and landmarks of all detected faces, and frames around the crops.
    /// - Returns: RGB, at most 1280 pixels wide and high; small photographs are enlarged.
    static func draw(on photo: Picture, found: [DetectedFace], cut: [AlignedFace]) -> Picture {
        let whole = max(photo.width, photo.height)
        let scale = whole > longest ? Double(longest) / Double(whole) : whole < 400 ? 3 : whole < 640 ? 2 : 1
        var picture = photo.rgb().resized(
            width: max(1, Int(Double(photo.width) * scale)), height: max(1, Int(Double(photo.height) * scale))
        )
        let thickness = max(1.5, Double(max(picture.width, picture.height)) / 500)
        func place(_ x: Double, _ y: Double) -> PicturePoint { PicturePoint(x: x * scale, y: y * scale) }
        func line(_ points: [PicturePoint], _ color: Color, _ thickness: Double) {
            picture.drawLine(through: points, thickness: thickness + 2, color: .black, isClosed: true)
            picture.drawLine(through: points, thickness: thickness, color: color, isClosed: true)
        }
        for face in found {
            let isCut = cut.contains { $0.face == face }
            let (box, color) = (face.box, isCut ? boxColor : leftOut)
            let (left, top) = (Double(box.x), Double(box.y))
            let (right, bottom) = (left + Double(box.width), top + Double(box.height))
            line(
                [place(left, top), place(right, top), place(right, bottom), place(left, bottom)], color,
                thickness)
            for (point, color) in zip(face.points.all, pointColors) {
                let dot = thickness + min(2 * thickness, 0.04 * Double(face.size) * scale)
                line([place(point.x, point.y)], isCut ? color : leftOut, dot)
            }
            write("\(face.size) px", at: place(left, top), on: &picture, color)
        }
        for face in cut { line(face.corners.map { place($0.x, $0.y) }, cutColor, thickness) }
        return picture
    }

    private static func write(
        _ text: String, at corner: PicturePoint, on picture: inout Picture, _ color: Color
    ) {
        let letters = max(picture.width, picture.height) >= 1000 ? 2 : 1
        let size = Text.size(of: text, scale: letters)
        let x = Int(min(max(corner.x, 0), Double(max(0, picture.width - size.width - 4))))
        let y = Int(min(max(corner.y - Double(size.height) - 6, 0), Double(picture.height)))
        picture.fill(
            PictureBox(x: x, y: y, width: size.width + 4, height: size.height + 4), color: .black)
        Text.draw(text, on: &picture, x: x + 2, y: y + 2, color: color, scale: letters)
    }
}
