import Datasets
import Foundation
import TestSupport
import Testing

/// `facegan train` as a program of its own, on a tiny run.
struct TrainProcess {
    let tiny: TinyRun
    let name: String
    var options: [String] = []
    /// Settings of the recipe beside the usual tiny ones.
    var settings: [String] = []
    /// A file instead of the tiny `dcgan`.
    var recipe: String?

    static let program = builtProducts() + "/facegan"

    var arguments: [String] {
        [
            "train", "--recipe", recipe ?? "dcgan", "--data", tiny.store.path, "--out", tiny.folder(name),
            "--threads", "1",
            "--device", "cpu", "--precision", "fp32",
        ]
            + ((recipe == nil ? TinyRun.overrides : []) + settings).flatMap { ["--set", $0] } + options
    }

    var environment: [String: String] {
        ["OMP_NUM_THREADS": "1", "FACEGAN_CACHE": tiny.place.file("cache"), "NO_COLOR": "1"]
    }

    func start() throws -> RunningProcess {
        try RunningProcess(Self.program, arguments, environment: environment)
    }

    func run() throws -> ProcessResult {
        try runProcess(Self.program, arguments, environment: environment, seconds: 300)
    }

    /// Waits until the log has lines, so that training is under way.
    func waitForLines(_ count: Int, of process: RunningProcess) throws {
        var waits = 0
        while tiny.lineCount(name) < count, process.isRunning, waits < 30_000 {
            usleep(2000)
            waits += 1
        }
        try #require(
            tiny.lineCount(name) >= count, "\(process.isRunning ? "too slow" : process.wait().errors)")
    }

    var last: String { tiny.folder(name + "/checkpoints/last.safetensors") }
}
