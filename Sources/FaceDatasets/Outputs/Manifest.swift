import Datasets
import Files
import Foundation
import Provenance

/// File `manifest.json`: what a data set depends on, its counts, and the SHA-256 of its files except single pictures.
enum Manifest {
    /// File of a data set.
    struct File: Sendable, Codable, Equatable {
        /// Path relative to the folder of the data set.
        let path: String
        /// Size in bytes.
        let size: Int
        /// SHA-256 of the content.
        let sha256: String
    }

    private struct Content: Codable {
        let format: String
        let software: String
        let plan: [String]
        let summary: FaceDatasetSummary
        let files: [File]
    }

    /// Bytes of the file.
    static func json(_ facts: DatasetFacts, _ summary: FaceDatasetSummary, files: [File]) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        let content = Content(
            format: WorkFolder.format, software: Origin.program, plan: facts.lines, summary: summary,
            files: files)
        return Array(try encoder.encode(content)) + [0x0A]
    }

    /// Lines of everything that determines the data set in a folder, and its summary.
    /// - Throws: `FileError` or `FaceDatasetError` if the folder has no manifest of this program.
    static func read(_ folder: String) throws -> (plan: [String], summary: FaceDatasetSummary) {
        let file = try MappedFile(path: folder + "/" + WorkFolder.manifest)
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        guard file.count < 1 << 26,
            let content = try? decoder.decode(Content.self, from: Data(try file.bytes(file.all))),
            content.format == WorkFolder.format
        else {
            throw FaceDatasetError("\(file.path): not the manifest of a data set of this program")
        }
        return (content.plan, content.summary)
    }

    /// Lines of everything that determines the data set in a folder.
    static func plan(in folder: String) throws -> [String] { try read(folder).plan }

    /// Files below a folder in order of their paths, except single pictures.
    static func files(in folder: String) throws -> [File] {
        guard let walk = FileManager.default.enumerator(atPath: folder) else { return [] }
        let paths = walk.compactMap { $0 as? String }
        let listed = paths.filter { path in
            // Pictures are in the tables with their SHA-256.
            let isPicture = [".png", ".jpg"].contains { path.hasSuffix($0) } && path.contains("/")
            return !isPicture || path.hasPrefix(Datasheet.pictures)
        }
        return try listed.sorted().compactMap { path in
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: folder + "/" + path, isDirectory: &isFolder),
                !isFolder.boolValue
            else { return nil }
            let file = try MappedFile(path: folder + "/" + path)
            return File(
                path: path, size: file.count, sha256: try file.withBytes(file.all) { Digest.sha256($0) })
        }
    }
}
