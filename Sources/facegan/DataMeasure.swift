import ArgumentParser
import Console
import Datasets
import Foundation

/// `facegan data measure`: how fast a store gives batches; for `make bench`.
struct DataMeasure: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "measure",
        abstract: "Measure how fast a packed store gives batches.",
        discussion: """
            Examples:
              facegan data measure celeba.faces --batch-size 64 --seconds 2
            """,
        shouldDisplay: false)

    @Argument(help: "A packed store.")
    var store: String

    @Option(help: "Samples a batch.")
    var batchSize = 64

    @Option(help: "How long to measure each kind of augmentation.")
    var seconds = 2.0

    @Option(help: "Threads that prepare batches.")
    var threads = 2

    func validate() throws {
        guard batchSize > 0, threads > 0, seconds > 0 else {
            throw ValidationError("--batch-size, --threads and --seconds: expected numbers above 0.")
        }
    }

    func run() throws {
        let store = try FaceStore(path: store)
        let output = ConsoleOutput.standardOutput
        for (name, augmentation) in [("plain", Augmentation.none), ("flips", .flips), ("full", .full)] {
            let loader = BatchLoader(
                store: store, batchSize: batchSize, seed: 0, augmentation: augmentation, threads: threads)
            // The first epoch brings the file into memory.
            for _ in 0..<(store.count / batchSize) { _ = loader.next() }
            let start = Date()
            var images = 0
            while Date().timeIntervalSince(start) < seconds { images += loader.next().count }
            let rate = Double(images) / Date().timeIntervalSince(start)
            output.writeLine("\(name)  \(Int(rate)) images/s")
        }
    }
}
