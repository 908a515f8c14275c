import ArgumentParser
import Console
import Datasets
import Files
import Foundation
import Imaging
import Synthesis

/// Photographs that were named on the command line, one by one or by their folders.
struct PhotoList {
    let photos: [Photograph]

    /// - Throws: `CommandError` for what is not there, and for two photographs of one name.
    init(_ arguments: [String]) throws {
        var found: [Photograph] = []
        for argument in arguments {
            let path = (argument as NSString).expandingTildeInPath
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
                throw CommandError("\(path): there is no such photograph or folder")
            }
            if isFolder.boolValue {
                let names = try FolderSource(path: path).names
                guard !names.isEmpty else {
                    throw CommandError("\(path): there are no pictures in this folder")
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
                    "\(other) and \(photo.path): both results would be called \(photo.name): take one of "
                        + "them at a time, each into a folder of its own")
            }
        }
        photos = found
    }
}

/// A walk over photographs: one that fails is named, and the others are done all the same.
struct PhotoWalk {
    /// Files that were written.
    private(set) var written = 0
    /// Photographs that came out well.
    private(set) var done = 0
    private var failed = 0
    private let line: ProgressLine

    /// Goes through the photographs until the last one or Ctrl-C.
    /// - Parameters:
    ///   - advice: converts an error to a message for the user.
    ///   - body: works on one photograph, may say how far it is, and returns how many files it has written;
    ///     `CancellationError` ends the walk.
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

    /// Says what was written and how many failed.
    /// - Throws: `ExitCode` on Ctrl-C, and when a photograph failed.
    func finish(_ text: String) throws {
        ConsoleOutput.standardOutput.writeLine(
            text + (failed > 0 ? "; \(Readable.count(failed, "photograph")) failed" : ""))
        if Interrupt.isRequested { throw ExitCode(Interrupt.exitStatus) }
        if failed > 0 { throw ExitCode.failure }
    }
}
