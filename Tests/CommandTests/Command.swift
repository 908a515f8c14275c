import Foundation
import TestSupport

/// The command `facegan` as a process.
enum Command {
    static let path = builtProducts() + "/facegan"

    /// Packed stores of these tests.
    private static let cache = Result { try TemporaryFolder() }

    /// Runs `facegan` with these arguments.
    /// - Parameters:
    ///   - environment: replaces single variables.
    ///   - folder: the working directory.
    static func run(
        _ arguments: String..., environment: [String: String] = [:], folder: String? = nil
    ) throws -> ProcessResult {
        try run(arguments, environment: environment, folder: folder)
    }

    static func run(
        _ arguments: [String], environment: [String: String] = [:], folder: String? = nil
    ) throws -> ProcessResult {
        let usual = ["FACEGAN_CACHE": try cache.get().path, "NO_COLOR": "1", "COLUMNS": "80"]
        return try runProcess(
            path, arguments, environment: usual.merging(environment) { $1 }, folder: folder)
    }
}

/// Run with tiny networks.
struct TinyRun {
    let folder: TemporaryFolder
    var path: String { folder.file("run") }

    /// Options that make every width of a recipe tiny.
    static let sizes = [
        "resolution=16", "batchSize=8", "generator.filters=4", "discriminator.filters=4",
        "generator.latent.size=8", "training.previewCount=4", "training.logSteps=2",
    ].flatMap { ["--set", $0] }

    /// Run that many tests read and no test changes.
    static let shared = Result {
        let run = TinyRun(folder: try TemporaryFolder())
        let result = try run.train("--steps", "4", "--seed", "3")
        guard result.status == 0 else { throw Failure(text: result.errors) }
        return run
    }

    struct Failure: Error { let text: String }

    /// Starts or resumes the run.
    func train(_ more: String...) throws -> ProcessResult {
        try Command.run(
            ["train", "--recipe", "dcgan", "--data", "builtin:32", "--out", path] + Self.sizes + more)
    }
}

/// Bytes of a file; empty if there is no file.
func bytes(_ path: String) -> [UInt8] { FileManager.default.contents(atPath: path).map { Array($0) } ?? [] }
