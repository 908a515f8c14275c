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

    /// - Throws: `CommandError` for a path that does not exist, a folder without pictures, and two photographs with the same name.
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
                found += names.map {
                    Photograph(path: path + "/" + $0, name: ($0 as NSString).deletingPathExtension)
                }
            } else {
                let file = (path as NSString).lastPathComponent
                found.append(Photograph(path: path, name: (file as NSString).deletingPathExtension))
            }
        }
        var seen: [String: String] = [:]
        for photo in found {
            if let other = seen.updateValue(photo.path, forKey: photo.name) {
                throw CommandError(
                    "\(other) and \(photo.path): their results would have the same name \(photo.name); process them "
                        + "one at a time, into separate folders")
            }
        }
        photos = found
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
