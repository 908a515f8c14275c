import Datasets
import Files
import Foundation
import Imaging
import Provenance

/// Files of aligned faces: PNG files of the faces, JSON records, and check pictures.
public struct AlignedFiles {
    private let files: ResultFiles
    /// Whether file names have a number, for several faces in one photograph.
    private let numbersFaces: Bool
    /// Data protocol that the faces are aligned to.
    public let data: Datasets.DataProtocol
    /// Width and height of the results, in pixels.
    public let side: Int

    /// - Parameters:
    ///   - files: folder of the results.
    ///   - numbersFaces: whether file names have a number, for several faces in one photograph.
    ///   - data: data protocol of the alignment.
    ///   - side: width and height of the results, in pixels.
    public init(files: ResultFiles, numbersFaces: Bool, data: Datasets.DataProtocol, side: Int) {
        (self.files, self.numbersFaces, self.data, self.side) = (files, numbersFaces, data, side)
    }

    /// Folder of the results.
    public var folder: String { files.folder }

    /// Path of a result, such as the check picture with the ending `-check.png`.
    public func path(_ photo: Photograph, ending: String) -> String { "\(folder)/\(photo.name)\(ending)" }

    /// Path of the picture of a face.
    /// - Parameters:
    ///   - photo: the photograph.
    ///   - index: index of the face in the photograph.
    public func path(_ photo: Photograph, face index: Int) -> String {
        path(photo, ending: numbersFaces ? "-\(index + 1).png" : ".png")
    }

    /// Checks the names of all results before any work is done.
    /// - Parameters:
    ///   - photos: all photographs of the run.
    ///   - json: whether records are written.
    ///   - check: whether check pictures are written.
    /// - Throws: `SynthesisError` if a result would replace a photograph or a file from before.
    public func checkNames(for photos: [Photograph], json: Bool, check: Bool) throws {
        let endings =
            [numbersFaces ? "-1.png" : ".png"] + (json ? [".json"] : []) + (check ? ["-check.png"] : [])
        try files.checkNames(for: photos, endings: endings)
    }

    /// Writes PNG with the mark of the photograph, if it has one.
    /// - Parameters:
    ///   - picture: picture to write.
    ///   - path: path of the file, from `path(_:face:)` or `path(_:ending:)`.
    ///   - origin: mark of the photograph; nil for none.
    /// - Throws: `SynthesisError`, `FileError`, `ImagingError`.
    public func write(_ picture: Picture, to path: String, _ origin: Origin?) throws {
        try files.put(Provenance.png(picture, origin: origin), to: path)
    }

    /// Writes the JSON record of the faces in a photograph: boxes, landmarks and transforms.
    /// - Parameters:
    ///   - faces: aligned faces.
    ///   - picture: the photograph, for its size.
    ///   - photo: file of the photograph.
    /// - Throws: `SynthesisError`, `FileError`.
    public func writeRecord(of faces: [AlignedFace], in picture: Picture, _ photo: Photograph) throws {
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
