import Foundation
import Imaging

/// The pictures of a folder or an archive with their labels.
struct FileSource: PictureSource {
    let name: String
    let kind: SourceKind
    let names: [String]
    let labels: Labels
    let labelIssues: [LabelIssue]
    let skipped: [SkippedFile]
    let readsInOrder: Bool
    let fingerprint: String
    private let files: any SourceFiles
    /// Positions of the pictures among the files.
    private let pictures: [Int]

    /// Combines pictures with labels.
    /// - Parameters:
    ///   - files: the folder or archive.
    ///   - pictures: positions of the pictures among the files, ascending.
    ///   - kind: the kind of the pictures.
    ///   - labels: one row per picture.
    ///   - issues: mismatches between pictures and labels.
    ///   - digest: hash input that identifies the content of the label files; empty if the labels follow from the names.
    ///   - skipped: files that are neither pictures nor label files.
    /// - Throws: `FileError` if the content cannot be hashed.
    init(
        _ files: any SourceFiles, pictures: [Int], kind: SourceKind, labels: Labels, issues: [LabelIssue],
        digest: [UInt8], skipped: [SkippedFile]
    ) throws {
        self.files = files
        self.pictures = pictures
        self.kind = kind
        self.labels = labels
        self.skipped = skipped
        name =
            files.kind == .folder
            ? URL(fileURLWithPath: files.path).standardizedFileURL.lastPathComponent
            : PictureNames.file(files.path)
        names = pictures.map { files.files[$0].name }
        labelIssues = issues
        readsInOrder = files.readsInOrder(pictures)
        let content = try files.fingerprint(of: pictures)
        if kind == files.kind, labels.isEmpty, digest.isEmpty {
            fingerprint = content
        } else {
            var print = Fingerprint(kind.rawValue)
            print.add(content)
            print.add(contentsOf: digest)
            fingerprint = print.finish()
        }
    }

    var damage: String? { files.damage }

    func content(at index: Int, size: Int) throws -> PictureContent {
        try DecodeLimits.check(byteCount: files.files[pictures[index]].size)
        return .encoded(try files.bytes(of: pictures[index]))
    }

    func forEach(size: Int, _ body: (Int, Result<PictureContent, any Error>) throws -> Bool) throws {
        try files.forEach(pictures) { try body($0, $1.map { .encoded($0) }) }
    }
}
