import ArgumentParser
import Console
import PretrainedWeights

/// `facegan weights list`: which weights there are, and which are here.
struct WeightsList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the weights that are known, their licenses, and which are here.",
        discussion: """
            Examples:
              facegan weights list
              facegan weights list --paths
            """)

    @Flag(help: "Show only the files that are here: key, SHA-256 and path.")
    var paths = false

    func run() throws {
        let output = ConsoleOutput.standardOutput
        let cache = WeightsCache.default
        if paths {
            for known in WeightsCatalog.all {
                guard let record = cache.record(of: known.key), let path = cache.path(of: known.key) else {
                    continue
                }
                output.writeLine("\(known.key)\t\(record.sha256)\t\(path)")
            }
            return
        }
        var table = Table(["key", "here", "size", "license", "what"], alignments: [.left, .left, .right])
        for known in WeightsCatalog.all {
            let isHere = cache.record(of: known.key) != nil
            let state = isHere ? "yes" : known.addresses.isEmpty ? "add" : "get"
            let size = known.megabytes.map { Readable.bytes(Int($0 * 1e6)) } ?? ""
            let license = String(known.license.prefix { $0 != ";" })
            table.add([known.key, state, size, license, "\(known.about) (\(known.publisher))"])
        }
        for line in table.lines(for: output) { output.writeLine(line) }
        output.writeLine()
        output.writeLine(
            "get: `facegan weights get KEY` fetches it. add: bring it with `facegan weights add FILE --as KEY`."
        )
        output.writeLine("torchvision's were trained on ImageNet, whose pictures are for research.")
        output.writeLine("Kept in \(cache.folder)")
    }
}
