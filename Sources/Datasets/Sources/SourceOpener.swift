import Files
import Foundation

/// Opening of a source from a path or specification.
///
/// The following are recognized:
///
/// - a folder with CelebA's label files, with a `dataset.json`, with one folder per person as in LFW, or any other
///   folder of pictures;
/// - a zip or tar archive (also gzipped) of such a folder; CelebA's label files can be next to it;
/// - a packed store written by `facegan data prepare`;
/// - `builtin:2000` or `builtin:2000@7`: rendered faces, with their number and an optional seed.
public enum SourceOpener {
    /// Opens a source.
    ///
    /// - Throws: `DataError` or `FileError` if the path does not exist, has an unsupported type, cannot be read or
    ///   has no pictures.
    public static func open(_ specification: String) throws -> any PictureSource {
        if let builtIn = try BuiltInFacesSource(specification: specification) { return builtIn }
        let path = (specification as NSString).expandingTildeInPath
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw DataError(
                "\(path): no such file or folder: expected a folder of pictures, a zip or tar archive, a "
                    + "packed store, or built-in faces such as builtin:2000")
        }
        let source = isFolder.boolValue ? try openFolder(path) : try openFile(path)
        guard source.count > 0 else {
            throw DataError(
                "\(path): no pictures found: expected files with the extensions "
                    + PictureNames.extensions.sorted().joined(separator: ", "))
        }
        return source
    }

    // MARK: - Folders

    private static func openFolder(_ path: String) throws -> any PictureSource {
        let files = FileManager.default
        if let labels = CelebALabels.find(in: [path]) {
            for subpath in [
                "img_align_celeba", "Img/img_align_celeba", "img_align_celeba_png",
                "Img/img_align_celeba_png",
            ]
            where files.fileExists(atPath: path + "/" + subpath) {
                return try celebA(FolderSource(path: path + "/" + subpath), labels)
            }
            for subpath in ["img_align_celeba.zip", "Img/img_align_celeba.zip"]
            where files.fileExists(atPath: path + "/" + subpath) {
                return try celebA(ZipSource(path: path + "/" + subpath), labels)
            }
            return try celebA(FolderSource(path: path), labels)
        }
        let json = path + "/" + DatasetJSON.fileName
        if files.fileExists(atPath: json) {
            let file = try MappedFile(path: json)
            return try labeled(FolderSource(path: path), json: file.bytes(0..<file.count), path: json)
        }
        // A folder with CelebA's pictures only: its labels are in a parent folder.
        let above = (path as NSString).standardizingPath + "/.."
        if let labels = CelebALabels.find(in: [above, above + "/.."]) {
            let source = try FolderSource(path: path)
            if looksLikeCelebA(source.names) { return try celebA(source, labels) }
        }
        let source = try FolderSource(path: path)
        if source.count == 0, let archive = try onlyArchive(in: path) { return try openFile(archive) }
        return recognized(source)
    }

    /// Path of the archive in a folder; nil if there is none or more than one.
    private static func onlyArchive(in folder: String) throws -> String? {
        let archives = try FileManager.default.contentsOfDirectory(atPath: folder).filter { name in
            [".zip", ".tar", ".tgz", ".tar.gz"].contains { name.lowercased().hasSuffix($0) }
        }
        return archives.count == 1 ? folder + "/" + archives[0] : nil
    }

    // MARK: - Files

    private static func openFile(_ path: String) throws -> any PictureSource {
        let archive: any PictureSource
        switch try FileKind.detect(path: path) {
        case .zip:
            let zip = try ZipSource(path: path)
            if let json = try zip.file(named: DatasetJSON.fileName) {
                return try labeled(zip, json: json, path: path + ":" + DatasetJSON.fileName)
            }
            archive = zip
        case .tar, .gzip:
            archive = try TarSource(path: path)
        case .safetensors:
            return StoreSource(try FaceStore(path: path))
        case .html:
            throw DataError(
                "\(path): the file is a web page, not an archive: the server sent a page instead "
                    + "of the file, often "
                    + "because of a download limit: delete it and see 'facegan data download --help'")
        case .empty:
            throw DataError("\(path): the file is empty: download it again")
        case .picture:
            throw DataError(
                "\(path): the file is a single picture: expected a folder or an archive of pictures")
        case .unknown:
            throw DataError(
                "\(path): the file is neither a zip or tar archive nor a packed store: expected a folder "
                    + "of pictures or an archive (.zip, .tar, .tgz)")
        }
        let beside = Files.folder(ofPath: path)
        if looksLikeCelebA(archive.names), let labels = CelebALabels.find(in: [beside, beside + "/.."]) {
            return try celebA(archive, labels)
        }
        return recognized(archive)
    }

    // MARK: - Labels

    private static func celebA(_ source: any PictureSource, _ files: CelebALabels) throws -> any PictureSource
    {
        let (labels, issues) = try files.read(for: source.names)
        let digests = try files.paths.map { try Digest.sha256(file: $0) }
        return LabeledSource(
            source, kind: .celebA, labels: labels, issues: issues, digest: Array(digests.joined().utf8))
    }

    private static func labeled(
        _ source: any PictureSource, json: [UInt8], path: String
    ) throws -> any PictureSource {
        let (labels, issues) = try DatasetJSON.read(json, path: path, names: source.names)
        return LabeledSource(source, kind: .labeled, labels: labels, issues: issues, digest: json)
    }

    private static func recognized(_ source: any PictureSource) -> any PictureSource {
        if let labels = LFWNames.labels(for: source.names) {
            return LabeledSource(source, kind: .lfw, labels: labels, issues: [], digest: [])
        }
        // CelebA's pictures without label files still get CelebA's default crop.
        if looksLikeCelebA(source.names), source.names[0].contains("celeba") {
            return LabeledSource(
                source, kind: .celebA, labels: Labels(count: source.count), issues: [], digest: [])
        }
        return source
    }

    /// Whether the names have six digits, as in CelebA: `img_align_celeba/000001.jpg`.
    private static func looksLikeCelebA(_ names: [String]) -> Bool {
        let sample = names.prefix(1000)
        return !sample.isEmpty
            && sample.allSatisfy { name in
                let key = LabelTable.key(name)
                return key.utf8.count == 6 && key.utf8.allSatisfy { (0x30...0x39).contains($0) }
            }
    }
}
