import ArgumentParser
import Console
import Datasets
import Files
import Foundation
import Imaging
import Synthesis

/// Photographs of the command line: files, and the content of folders.
struct PhotoList {
    let photos: [Photograph]

    /// - Throws: `CommandError` for a path that does not exist, and a folder without pictures.
    init(_ arguments: [String]) throws {
        var found: [Photograph] = []
        for argument in arguments {
            let path = (argument as NSString).expandingTildeInPath
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
                throw CommandError("\(path): no such photograph or folder")
            }
            if isFolder.boolValue {
                let names = try FolderSource(path: path).names
                guard !names.isEmpty else {
                    throw CommandError("\(path): no pictures in this folder")
                }
                found += names.map { Photograph(path: path + "/" + $0, name: $0) }
            } else {
                found.append(Photograph(path: path, name: (path as NSString).lastPathComponent))
            }
        }
        // A photograph that is named twice, such as by its folder, is processed once.
        var seen = Set<String>()
        found = found.filter {
            seen.insert(URL(fileURLWithPath: $0.path).resolvingSymlinksInPath().path).inserted
        }
        photos = zip(found, Self.resultNames(of: found.map(\.name))).map {
            Photograph(path: $0.path, name: $1)
        }
    }

    /// Names of the results of photographs: their names without the extension.
    ///
    /// Names that would be equal keep the extension (`face-jpg`, `face-png`), and have a number where that is equal, too
    /// (`face-jpg`, `face-jpg-2`).
    static func resultNames(of names: [String]) -> [String] {
        func stem(_ name: String) -> String { (name as NSString).deletingPathExtension }
        let counts = Dictionary(names.map { (stem($0), 1) }, uniquingKeysWith: +)
        var used = Set(counts.filter { $0.value == 1 }.keys)
        return names.map { name in
            let stem = stem(name)
            guard counts[stem] ?? 1 > 1 else { return stem }
            let first = stem + "-" + (name as NSString).pathExtension.lowercased()
            var (result, number) = (first, 1)
            while !used.insert(result).inserted {
                number += 1
                result = "\(first)-\(number)"
            }
            return result
        }
    }
}

/// Processing of photographs one by one. A photograph that fails is reported, and the others are processed.
struct PhotoPass {
    /// Number of written files.
    private(set) var written = 0
    /// Number of photographs without an error.
    private(set) var done = 0
    private var failed = 0
    private let line: ProgressLine

    /// Processes the photographs until the last one or Ctrl-C.
    /// - Parameters:
    ///   - advice: converts an error to a message for the user.
    ///   - body: processes one photograph, may report progress, and returns the number of written files;
    ///     `CancellationError` ends the processing.
    init(
        _ verb: String, _ photos: [Photograph], advice: (any Error) -> String = { "\($0)" },
        body: (_ photo: Photograph, _ note: (String) -> Void) throws -> Int
    ) {
        line = ProgressLine(verb, total: photos.count, unit: .things("photographs"))
        for photo in photos {
            if Interrupt.isRequested { break }
            do {
                written += try body(photo) { line.update(done + failed, note: $0) }
                done += 1
            } catch is CancellationError {
                break
            } catch {
                failed += 1
                line.print("\(photo.path): \(advice(error))")
            }
            line.update(done + failed, note: failed > 0 ? "\(failed) failed" : "")
        }
        line.finish()
    }

    /// Prints a summary and the number of failed photographs.
    /// - Throws: `ExitCode` after Ctrl-C, or if a photograph failed.
    func finish(_ text: String) throws {
        ConsoleOutput.standardOutput.writeLine(
            text + (failed > 0 ? "; \(Readable.count(failed, "photograph")) failed" : ""))
        if Interrupt.isRequested { throw ExitCode(Interrupt.exitStatus) }
        if failed > 0 { throw ExitCode.failure }
    }
}
