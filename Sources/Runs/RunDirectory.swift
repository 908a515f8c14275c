import Files
import Foundation

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Run directory: recipe, log, previews and saved states of a run. One process at a time can use it for training.
public final class RunDirectory {
    /// Path of the folder.
    public let path: String
    private var lock: Int32 = -1
    private let isNew: Bool
    /// Folders of the run that did not exist.
    private let created: [String]

    /// Resolved recipe.
    public var recipePath: String { path + "/recipe.yaml" }
    /// Record of the run; see `RunRecord`.
    public var recordPath: String { path + "/run.json" }
    /// Log as JSON lines.
    public var logPath: String { path + "/log.jsonl" }
    /// Folder of TensorBoard events.
    public var eventsPath: String { path + "/events" }
    /// Folder of preview grids.
    public var previewsPath: String { path + "/previews" }
    /// Film of the previews.
    public var filmPath: String { path + "/film.png" }
    /// Charts of the scores.
    public var curvesPath: String { path + "/scores.png" }
    /// Folder of saved states.
    public var checkpointsPath: String { path + "/checkpoints" }
    private var lockPath: String { path + "/.lock" }
    /// Newest state.
    public var lastPath: String { checkpointsPath + "/last.safetensors" }
    /// State with the best score.
    public var bestPath: String { checkpointsPath + "/best.safetensors" }

    /// Opens or creates the folder, and locks it until the object is released.
    /// - Throws: `RunError` if another process uses the folder for training, or if it cannot be written.
    public init(_ path: String) throws {
        self.path = path
        let files = FileManager.default
        isNew = !files.fileExists(atPath: path)
        created = [path + "/previews", path + "/checkpoints"].filter { !files.fileExists(atPath: $0) }
        do {
            for folder in [path, previewsPath, checkpointsPath] {
                try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
            }
        } catch {
            throw RunError(
                "\(path): cannot create the run directory: \(error.localizedDescription)")
        }
        lock = open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard lock >= 0 else {
            throw RunError(
                "\(path): the folder cannot be written (\(String(cString: strerror(errno)))); choose another --out"
            )
        }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            throw RunError(
                "\(path): another process is training in this folder; stop it, or choose another --out")
        }
    }

    deinit {
        guard lock >= 0 else { return }
        // A run that did not start leaves no folder. `rmdir` removes empty folders only.
        if !Self.holdsRun(path) {
            for folder in created { rmdir(folder) }
            if isNew {
                unlink(lockPath)
                rmdir(path)
            }
        }
        close(lock)
    }

    /// Whether a folder has a run that can be resumed.
    public static func holdsRun(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: path + "/run.json")
    }

    /// Removes the files that a run creates. Other files stay, also in the folders of the run.
    /// - Throws: `RunError` or `FileError` if `run.json` does not identify a run; `CocoaError` for a file that cannot be removed.
    public func clear() throws {
        _ = try RunRecord(folder: path)
        // The record is removed last: if the process is killed, the folder still has a run that can be cleared.
        for file in ownFiles + [recipePath, logPath, filmPath, curvesPath, recordPath] {
            if FileManager.default.fileExists(atPath: file) {
                try FileManager.default.removeItem(atPath: file)
            }
        }
        // Removes the folder only if it is empty.
        rmdir(eventsPath)
    }

    /// Existing files of `path` that a new run would replace, although no run created them.
    /// - Parameter recipe: text of the recipe of the run; an equal file is accepted.
    public func foreignFiles(recipe: String) -> [String] {
        guard !Self.holdsRun(path) else { return [] }
        let files = FileManager.default
        let others = [logPath, filmPath, curvesPath].filter { files.fileExists(atPath: $0) } + ownFiles
        guard files.fileExists(atPath: recipePath) else { return others }
        // A run that was killed at its start leaves its recipe.
        return others + (files.contents(atPath: recipePath) == Data(recipe.utf8) ? [] : [recipePath])
    }

    /// Files with the names of a run's saved states, previews and events.
    private var ownFiles: [String] {
        func files(_ folder: String, where isOwn: (String) -> Bool) -> [String] {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            return names.filter(isOwn).sorted().map { folder + "/" + $0 }
        }
        let states = ["last", "best", Self.beforeCriticName].map { $0 + ".safetensors" }
        return files(checkpointsPath) { states.contains($0) || Self.isNumbered($0, ".safetensors") }
            + files(previewsPath) { Self.isNumbered($0, ".png") }
            + files(eventsPath) { $0.hasPrefix("events.out.tfevents.") }
    }

    /// Name of the state that restorers save before the critic begins, without extension.
    public static let beforeCriticName = "before-critic"

    /// Path of the state that is kept after a number of images.
    public func keptPath(images: Int) -> String {
        checkpointsPath + "/images-" + Self.padded(images) + ".safetensors"
    }

    /// Path of the preview grid after a number of images.
    public func previewPath(images: Int) -> String {
        previewsPath + "/images-" + Self.padded(images) + ".png"
    }

    /// States to resume from: the newest state, then kept states and the best one, by descending length.
    public var states: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: checkpointsPath)) ?? []
        let others = names.filter {
            $0 == "best.safetensors" || Self.isNumbered($0, ".safetensors")
        }.sorted().map { path -> (path: String, images: Int) in
            let path = checkpointsPath + "/" + path
            let images = (try? SafetensorsFile(path: path))?.metadata["images"].flatMap { Int($0) }
            return (path, images ?? 0)
        }.sorted { $0.images > $1.images }.map(\.path)
        return (FileManager.default.fileExists(atPath: lastPath) ? [lastPath] : []) + others
    }

    /// Paths of the preview grids, by ascending length of the training.
    public var previews: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: previewsPath)) ?? []
        return names.filter { Self.isNumbered($0, ".png") }.sorted().map {
            previewsPath + "/" + $0
        }
    }

    /// Whether a file has a name of `keptPath` or `previewPath`.
    private static func isNumbered(_ name: String, _ ending: String) -> Bool {
        name.hasPrefix("images-") && name.hasSuffix(ending)
            && name.dropFirst("images-".count).dropLast(ending.count).allSatisfy(\.isASCIIDigit)
    }

    private static func padded(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 10 - digits.count)) + digits
    }
}

extension Character {
    fileprivate var isASCIIDigit: Bool { isASCII && isNumber }
}

/// Error for a run directory that cannot be used. The description names the folder, the problem and a remedy.
public struct RunError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Message for the user.
    public let description: String

    /// - Parameter description: message for the user.
    public init(_ description: String) { self.description = description }
}
