import Files
import Foundation

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The folder of a run: recipe, log, previews, states. One process at a time trains in it.
public final class RunDirectory {
    public let path: String
    private var lock: Int32 = -1
    private let isNew: Bool

    public var recipePath: String { path + "/recipe.yaml" }
    public var recordPath: String { path + "/run.json" }
    public var logPath: String { path + "/log.jsonl" }
    public var eventsPath: String { path + "/events" }
    public var previewsPath: String { path + "/previews" }
    public var filmPath: String { path + "/film.png" }
    public var curvesPath: String { path + "/scores.png" }
    public var checkpointsPath: String { path + "/checkpoints" }
    private var lockPath: String { path + "/.lock" }
    public var lastPath: String { checkpointsPath + "/last.safetensors" }
    public var bestPath: String { checkpointsPath + "/best.safetensors" }

    /// Opens or makes the folder and locks it. Throws `RunError` when another process trains in it.
    public init(_ path: String) throws {
        self.path = path
        let files = FileManager.default
        isNew = !files.fileExists(atPath: path)
        do {
            for folder in [path, previewsPath, checkpointsPath] {
                try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
            }
        } catch {
            throw RunError(
                "\(path): cannot make the run's folder: \(error.localizedDescription)")
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
        // A run that was refused leaves no folder; none that holds anything goes this way.
        if isNew, !Self.holdsRun(path), rmdir(previewsPath) == 0, rmdir(checkpointsPath) == 0 {
            unlink(lockPath)
            rmdir(path)
        }
        close(lock)
    }

    /// Whether a folder holds a run that can go on.
    public static func holdsRun(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: path + "/run.json")
    }

    /// Removes what a run wrote, and nothing else.
    public func clear() throws {
        let files = FileManager.default
        // The record first: without it the rest is no run, should this be killed in between.
        for item in [
            recordPath, recipePath, logPath, eventsPath, previewsPath, filmPath, curvesPath, checkpointsPath,
        ] {
            if files.fileExists(atPath: item) { try files.removeItem(atPath: item) }
        }
        for folder in [previewsPath, checkpointsPath] {
            try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
        }
    }

    /// Where the state of a round number of images is kept.
    public func keptPath(images: Int) -> String {
        checkpointsPath + "/images-" + Self.padded(images) + ".safetensors"
    }

    /// Where a preview grid goes.
    public func previewPath(images: Int) -> String {
        previewsPath + "/images-" + Self.padded(images) + ".png"
    }

    /// States to resume from: the last one, then the kept ones and the best, the newest first.
    public var states: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: checkpointsPath)) ?? []
        let others = names.filter {
            $0 == "best.safetensors" || $0.hasPrefix("images-") && $0.hasSuffix(".safetensors")
        }.sorted().map { path -> (path: String, images: Int) in
            let path = checkpointsPath + "/" + path
            let images = (try? SafetensorsFile(path: path))?.metadata["images"].flatMap { Int($0) }
            return (path, images ?? 0)
        }.sorted { $0.images > $1.images }.map(\.path)
        return (FileManager.default.fileExists(atPath: lastPath) ? [lastPath] : []) + others
    }

    /// Preview grids in the order in which they were made.
    public var previews: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: previewsPath)) ?? []
        return names.filter { $0.hasPrefix("images-") && $0.hasSuffix(".png") }.sorted().map {
            previewsPath + "/" + $0
        }
    }

    private static func padded(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 10 - digits.count)) + digits
    }
}

/// A run directory that cannot be used; says what, where and what to do.
public struct RunError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}
