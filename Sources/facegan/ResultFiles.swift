import ArgumentParser
import Files
import Foundation
import Provenance

/// Where results of photographs go: files in a folder, beside which nothing is lost.
final class ResultFiles {
    let folder: String
    let overwrites: Bool
    /// Photographs, and what was written in this run: not replaced in any case.
    private var own: Set<String> = []

    /// - Parameter out: the folder, with or without a slash at its end.
    init(out: String, overwrites: Bool) {
        folder = out.count > 1 && out.hasSuffix("/") ? String(out.dropLast()) : out
        self.overwrites = overwrites
    }

    /// - Throws: `CommandError` before any work is done, if something would be replaced that must not be.
    func checkRoom(for photos: [PhotoList.Photo], endings: [String]) throws {
        own.formUnion(photos.map { Self.plain($0.path) })
        let wanted = photos.flatMap { photo in endings.map { "\(folder)/\(photo.name)\($0)" } }
        if let path = wanted.first(where: { own.contains(Self.plain($0)) }) {
            throw CommandError(
                "\(path): the result would replace a photograph: choose another folder with --out")
        }
        let there = wanted.filter { FileManager.default.fileExists(atPath: $0) }
        guard overwrites || there.isEmpty else { throw Self.isThere(there[0], others: there.count - 1) }
    }

    /// Writes a made picture as `folder/name`, PNG.
    func write(_ image: SyntheticImage, to name: String) throws {
        try put(try image.png(), to: "\(folder)/\(name)")
    }

    /// Writes a file whose name begins with the folder's, and makes the folders that it needs.
    func put(_ bytes: [UInt8], to path: String) throws {
        guard own.insert(Self.plain(path)).inserted else {
            throw CommandError(
                "\(path): a photograph, or a result of another one, has this name: take one of them at a time, each into a "
                    + "folder of its own")
        }
        guard overwrites || !FileManager.default.fileExists(atPath: path) else { throw Self.isThere(path) }
        let place = (path as NSString).deletingLastPathComponent
        do {
            try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        } catch {
            throw CommandError("\(place): the folder cannot be made: \(error.localizedDescription)")
        }
        try AtomicFile.write(bytes, to: path, durably: false)
    }

    private static func isThere(_ path: String, others: Int = 0) -> CommandError {
        CommandError(
            "\(path)\(others > 0 ? " and \(others) more files are" : " is") there already: choose another folder with "
                + "--out, or replace with --overwrite")
    }

    private static func plain(_ path: String) -> String {
        URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    }
}

/// Where a generated picture goes, and in which format.
struct PictureFile {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case png, jpeg

        /// What the names of its files end in.
        var ending: String { self == .png ? "png" : "jpg" }
    }

    let path: String
    let format: Format

    /// - Parameter format: nil goes by the name.
    /// - Throws: `ValidationError` when name and format are at odds.
    init(path: String, format: Format?) throws {
        let name = path.split(separator: "/").last ?? ""
        let ending = name.contains(".") ? name.split(separator: ".").last.map { $0.lowercased() } : nil
        let named: [String: Format] = ["png": .png, "jpg": .jpeg, "jpeg": .jpeg]
        if let ending, let known = named[ending] {
            guard format == nil || format == known else {
                throw ValidationError("--format \(format!.rawValue), but --out \(path) ends in .\(ending).")
            }
            self.format = known
        } else if let format {
            self.format = format
        } else {
            throw ValidationError(
                "\(path): the name should end in .png or .jpg; for a folder, in / (--out \(path)/).")
        }
        self.path = path
    }

    /// Writes the file: whole or not at all.
    func write(_ image: SyntheticImage) throws {
        try AtomicFile.write(format == .png ? try image.png() : try image.jpeg(), to: path, durably: false)
    }
}
