import Datasets
import Files
import Foundation
import Imaging
import Provenance
import Synthesis

/// The files that aligning writes: results, and beside them records and checks.
struct AlignedFiles {
    let files: ResultFiles
    /// Whether names get a number, as a photograph may give several.
    let numbersFaces: Bool
    let data: Datasets.DataProtocol
    let side: Int

    var folder: String { files.folder }

    func path(_ photo: PhotoList.Photo, ending: String) -> String { "\(folder)/\(photo.name)\(ending)" }

    func path(_ photo: PhotoList.Photo, face index: Int) -> String {
        path(photo, ending: numbersFaces ? "-\(index + 1).png" : ".png")
    }

    /// - Throws: `CommandError` before any work is done, if something would be replaced that must not be.
    func checkRoom(for photos: [PhotoList.Photo], json: Bool, check: Bool) throws {
        let endings =
            [numbersFaces ? "-1.png" : ".png"] + (json ? [".json"] : []) + (check ? ["-check.png"] : [])
        try files.checkRoom(for: photos, endings: endings)
    }

    /// A PNG; a mark that the photograph bore stays on it.
    func write(_ picture: Picture, to path: String, _ origin: Origin?) throws {
        let bytes =
            try origin.map { try SyntheticImage(picture: picture, origin: $0).png() }
            ?? PictureEncoder.png(picture)
        try files.put(bytes, to: path)
    }

    /// What was found in a photograph, for programs.
    func writeRecord(of faces: [AlignedFace], in picture: Picture, _ photo: PhotoList.Photo) throws {
        let record = Record(
            photograph: photo.path, width: picture.width, height: picture.height, dataProtocol: data.name,
            side: side,
            faces: faces.enumerated().map { index, aligned in
                let (face, box, t) = (aligned.face, aligned.face.box, aligned.transform)
                return Record.Face(
                    file: (path(photo, face: index) as NSString).lastPathComponent, score: face.score,
                    box: [box.x, box.y, box.width, box.height], points: face.points.all.map { [$0.x, $0.y] },
                    transform: [[t.a, -t.b, t.dx], [t.b, t.a, t.dy]])
            })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try files.put(Array(try encoder.encode(record)) + [0x0A], to: path(photo, ending: ".json"))
    }

    private struct Record: Encodable {
        struct Face: Encodable {
            let file: String
            let score: Double
            /// x, y, width, height.
            let box: [Int]
            let points: [[Double]]
            /// Two rows: from (x, y, 1) in the photograph to x and y in the file.
            let transform: [[Double]]
        }
        let photograph: String
        let width: Int
        let height: Int
        let dataProtocol: String
        let side: Int
        let faces: [Face]
    }
}
