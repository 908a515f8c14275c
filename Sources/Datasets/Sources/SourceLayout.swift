/// Selection of the pictures of a folder or archive that show faces, and the kind of the set.
struct SourceLayout {
    /// Positions of the selected pictures among the files, ascending.
    let pictures: [Int]
    /// The kind, if the folders identify a known set.
    let kind: SourceKind?
    /// Pictures that are not selected, with the reason, by position.
    private let left: [Int: String]

    /// Recognizes the folders of CelebA, CelebAMask-HQ and FFHQ. Other sets use all pictures.
    init(_ files: [SourceFile], labels: LabelFiles) {
        let all = files.indices.filter { files[$0].isPicture }
        func inside(_ folder: String) -> [Int] {
            all.filter { PictureNames.isInside(files[$0].name, folder) }
        }
        var choice: (folder: String, kind: SourceKind?)?
        for (folder, kind) in Self.known(labels) where !inside(folder).isEmpty {
            choice = (folder, kind)
            break
        }
        guard let choice else {
            (pictures, kind, left) = (all, nil, [:])
            return
        }
        pictures = inside(choice.folder)
        kind = choice.kind
        let used = Set(pictures)
        var left: [Int: String] = [:]
        for index in all where !used.contains(index) {
            let isMask = files[index].name.contains("CelebAMask-HQ-mask")
            left[index] = isMask ? "a mask, not a face" : "a picture outside \(choice.folder)"
        }
        self.left = left
    }

    /// Folders of faces in known sets, the preferred one first.
    private static func known(_ labels: LabelFiles) -> [(folder: String, kind: SourceKind?)] {
        (labels.isCelebA ? [("img_align_celeba", .celebA), ("img_align_celeba_png", .celebA)] : []) + [
            ("CelebA-HQ-img", .celebAHQ), ("images1024x1024", .ffhq), ("thumbnails128x128", .ffhq),
        ]
    }

    /// The files that are neither selected pictures nor among the used ones.
    func skipped(_ files: [SourceFile], used: Set<Int>) -> [SkippedFile] {
        files.indices.compactMap { index in
            if let reason = left[index] { return SkippedFile(name: files[index].name, kind: reason) }
            guard !files[index].isPicture, !used.contains(index) else { return nil }
            return SkippedFile(name: files[index].name, kind: files[index].phrase)
        }
    }
}
