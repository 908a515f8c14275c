import Files
import Foundation
import Imaging
import Provenance

/// A photograph on disk.
public struct Photograph: Sendable {
    /// Path of the file.
    public let path: String
    /// Name of its results, without extension; contains `/` for a photograph in a subfolder.
    public let name: String

    /// - Parameters:
    ///   - path: path of the file.
    ///   - name: name of its results, without extension.
    public init(path: String, name: String) { (self.path, self.name) = (path, name) }

    /// Decoded pixels, upright, RGB.
    /// - Throws: `FileError`, `ImagingError`.
    public func picture() throws -> Picture {
        let file = try MappedFile(path: path)
        return try PictureDecoder.decode(try file.bytes(file.all)).picture.rgb()
    }
}

/// Folder of result files. It never replaces photographs or results of the same run, and other files only on request.
public final class ResultFiles {
    /// Path of the folder, without a slash at its end.
    public let folder: String
    /// Whether files from before may be replaced.
    public let overwrites: Bool
    /// Photographs and results of this run, which are never replaced.
    private var own: Set<String> = []

    /// - Parameters:
    ///   - out: the folder, with or without a slash at its end. It is created with the first result.
    ///   - overwrites: whether files from before may be replaced.
    public init(out: String, overwrites: Bool) {
        folder = out.count > 1 && out.hasSuffix("/") ? String(out.dropLast()) : out
        self.overwrites = overwrites
    }

    /// Checks the names of all results before any work is done.
    /// - Parameters:
    ///   - photos: all photographs of the run.
    ///   - endings: ends of the file names of each photograph's results, such as `-strip.png`.
    /// - Throws: `SynthesisError` if a result would replace a photograph or a file from before.
    public func checkNames(for photos: [Photograph], endings: [String]) throws {
        own.formUnion(photos.map { Self.plain($0.path) })
        let wanted = photos.flatMap { photo in endings.map { "\(folder)/\(photo.name)\($0)" } }
        if let path = wanted.first(where: { own.contains(Self.plain($0)) }) {
            throw SynthesisError(
                "\(path): the result would replace a photograph: choose another folder with --out")
        }
        let there = wanted.filter { FileManager.default.fileExists(atPath: $0) }
        guard overwrites || there.isEmpty else { throw Self.isThere(there[0], others: there.count - 1) }
    }

    /// Writes a generated picture as PNG to `folder/name`.
    /// - Parameters:
    ///   - image: picture with its mark.
    ///   - name: path relative to the folder.
    /// - Throws: as `put(_:to:)`; `ImagingError`.
    public func write(_ image: SyntheticImage, to name: String) throws {
        try put(try image.png(), to: "\(folder)/\(name)")
    }

    /// Writes a file in the folder, and creates missing folders.
    /// - Parameters:
    ///   - bytes: content of the file.
    ///   - path: path of the file, which begins with `folder`.
    /// - Throws: `SynthesisError` if the file must not be replaced or its folder cannot be created; `FileError`.
    public func put(_ bytes: [UInt8], to path: String) throws {
        guard own.insert(Self.plain(path)).inserted else {
            throw SynthesisError(
                "\(path): a photograph, or a result of another photograph, has this name: process them one at a time, into "
                    + "separate folders")
        }
        guard overwrites || !FileManager.default.fileExists(atPath: path) else { throw Self.isThere(path) }
        let place = Files.folder(ofPath: path)
        do {
            try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        } catch {
            throw SynthesisError("\(place): the folder cannot be created: \(error.localizedDescription)")
        }
        try AtomicFile.write(bytes, to: path, durably: false)
    }

    private static func isThere(_ path: String, others: Int = 0) -> SynthesisError {
        SynthesisError(
            "\(path)\(others > 0 ? " and \(others) more files exist" : " exists") already: choose another folder with "
                + "--out, or replace existing files with --overwrite")
    }

    private static func plain(_ path: String) -> String {
        URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    }
}
