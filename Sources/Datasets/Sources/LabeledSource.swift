/// A source together with labels that were found for it.
struct LabeledSource: PictureSource {
    let base: any PictureSource
    let kind: SourceKind
    let labels: Labels
    let labelIssues: [LabelIssue]
    let fingerprint: String

    /// - Parameter digest: what identifies the labels' content; empty where the names alone give the labels.
    init(_ base: any PictureSource, kind: SourceKind, labels: Labels, issues: [LabelIssue], digest: [UInt8]) {
        self.base = base
        self.kind = kind
        self.labels = labels
        labelIssues = issues
        var print = Fingerprint(kind.rawValue)
        print.add(base.fingerprint)
        print.add(contentsOf: digest)
        fingerprint = print.finish()
    }

    var name: String { base.name }
    var names: [String] { base.names }
    var readsInOrder: Bool { base.readsInOrder }
    var damage: String? { base.damage }
    var landmarkFrame: Int? { base.landmarkFrame }

    func content(at index: Int, size: Int) throws -> PictureContent {
        try base.content(at: index, size: size)
    }

    func forEach(size: Int, _ body: (Int, Result<PictureContent, any Error>) throws -> Bool) throws {
        try base.forEach(size: size, body)
    }
}
