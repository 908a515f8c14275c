import FaceGAN
import Foundation
import Synchronization
import TestSupport
import Testing

/// Random command lines: every line ends with a known exit status and writes only to its outputs.
///
/// `FACEGAN_FUZZ_LINES` is the number of lines, `FACEGAN_FUZZ_SEED` the first seed. A line depends only on its seed, so
/// `FACEGAN_FUZZ_LINES=1 FACEGAN_FUZZ_SEED=n` repeats one line.
@Suite struct CommandFuzzTests {
    private static let statuses: Set<Int32> = [0, 1, 2, 64, 130]

    /// Results of all lines so far.
    private struct Tally {
        var next = 0
        var statuses: [Int32: Int] = [:]
        var interrupted = 0
        var visited: Set<String> = []
        var succeeded: Set<String> = []
        var failures: [String] = []
    }

    @Test func randomCommandLinesEndInOrder() throws {
        let environment = ProcessInfo.processInfo.environment
        let count = environment["FACEGAN_FUZZ_LINES"].flatMap { Int($0) } ?? 60
        let first = environment["FACEGAN_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1
        let place = try FuzzPlace()
        let commands = try FuzzedCommand.all(program: Command.path)
        let before = try place.inputs()
        let tally = Mutex(Tally())
        let start = Date()
        // Two lanes per processor, because some lines wait.
        DispatchQueue.concurrentPerform(iterations: 2 * ProcessInfo.processInfo.activeProcessorCount) { _ in
            while true {
                let index = tally.withLock { tally in
                    tally.next += 1
                    return tally.next - 1
                }
                guard index < count, tally.withLock({ $0.failures.count < 20 }) else { return }
                let seed = first &+ UInt64(index)
                var line = FuzzedLine(commands: commands, seed: seed, inputs: place.inputsPath)
                line.prepare()
                let outcome = place.run(line)
                tally.withLock { tally in
                    tally.statuses[outcome.status, default: 0] += 1
                    tally.interrupted += outcome.wasInterrupted ? 1 : 0
                    tally.visited.insert(line.name)
                    if outcome.status == 0 { tally.succeeded.insert(line.name) }
                    var problems = outcome.problems
                    if !Self.statuses.contains(outcome.status) {
                        problems.insert("exit status \(outcome.status)", at: 0)
                    }
                    if !problems.isEmpty {
                        tally.failures.append(
                            "seed \(seed): \(problems.joined(separator: "; "))\n\(line.text)\n\(outcome.end)")
                    }
                }
            }
        }
        let result = tally.withLock { $0 }
        let statuses = result.statuses.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
        print(
            "fuzz command lines: \(count) lines from seed \(first) in \(Int(Date().timeIntervalSince(start))) s;",
            "exit statuses \(statuses.joined(separator: ", ")); \(result.interrupted) interrupted;",
            "never successful: \(result.visited.subtracting(result.succeeded).sorted().joined(separator: ", "))"
        )
        for failure in result.failures { Issue.record("\(failure)") }
        #expect(try place.inputs() == before, "an input was changed")
        #expect(
            try place.folder.contents() == FuzzPlace.names, "a file was written beside the working folders")
        guard count >= 60 else { return }
        // Otherwise the lines do not reach the code behind the parser.
        #expect(result.statuses[0, default: 0] * 10 >= count)
        #expect(result.succeeded.count * 3 >= result.visited.count)
    }

    /// The lines cover all commands and options.
    @Test func linesCoverCommandsAndOptions() throws {
        let commands = try FuzzedCommand.all(program: Command.path)
        var words: [String: Set<String>] = [:]
        for seed in 0..<UInt64(commands.count * 400) {
            let line = FuzzedLine(commands: commands, seed: seed, inputs: "/inputs")
            words[line.name, default: []].formUnion(line.words.map { String($0.prefix { $0 != "=" }) })
        }
        for command in commands {
            let name = command.path.joined(separator: " ")
            let missing = command.arguments.flatMap(\.spellings).filter { words[name]?.contains($0) != true }
            #expect(missing.isEmpty, "\(name): \(missing)")
        }
    }
}

/// Folder of a fuzzing run: inputs, cache, and a working folder for each line.
final class FuzzPlace: Sendable {
    static let names = ["cache", "inputs", "lines"]

    let folder: TemporaryFolder
    var inputsPath: String { folder.file("inputs") }

    struct Outcome {
        var status: Int32
        var end: String
        var wasInterrupted: Bool
        var problems: [String]
    }

    init() throws {
        folder = try TemporaryFolder()
        for name in Self.names {
            try FileManager.default.createDirectory(
                atPath: folder.file(name), withIntermediateDirectories: true)
        }
        try FuzzInputs.write(to: folder)
    }

    /// Seconds until SIGINT, and from there to the end. Debug builds are slower.
    #if DEBUG
        private static let limit = 40.0
    #else
        private static let limit = 10.0
    #endif

    /// Runs a line in a working folder of its own. After the limit it gets SIGINT and must end within the limit.
    func run(_ line: FuzzedLine) -> Outcome {
        do {
            let place = "lines/\(line.seed)"
            try folder.write(line.script(program: Command.path), to: place + "/line.sh")
            for name in ["home", "tmp", "here"] {
                try FileManager.default.createDirectory(
                    atPath: folder.file("\(place)/\(name)"), withIntermediateDirectories: true)
            }
            try folder.write("a text of the user\n", to: place + "/here/note.txt")
            try folder.write("a text of the user\n", to: place + "/here/folder/keep.txt")
            let work = folder.file(place + "/here")
            if line.uses("fifo") { _ = mkfifo(work + "/fifo", 0o644) }
            if line.uses("resumed") {
                try FileManager.default.copyItem(atPath: inputsPath + "/run", toPath: work + "/resumed")
            }
            // No address can be reached through this proxy.
            let proxy = "http://127.0.0.1:9"
            let process = try RunningProcess(
                "/bin/sh", [folder.file(place + "/line.sh")],
                environment: [
                    "FACEGAN_CACHE": folder.file("cache"), "HOME": folder.file(place + "/home"),
                    "TMPDIR": folder.file(place + "/tmp"), "OMP_NUM_THREADS": "1", "NO_COLOR": "1",
                    "http_proxy": proxy, "https_proxy": proxy, "no_proxy": "", "SWIFT_BACKTRACE": "enable=no",
                ], folder: work)
            let wasInterrupted = !process.ends(within: Self.limit)
            if wasInterrupted { process.send(SIGINT) }
            let result = process.wait(seconds: Self.limit)
            var outcome = Outcome(
                status: result.status, end: String((result.output + result.errors).suffix(600)),
                wasInterrupted: wasInterrupted, problems: [])
            outcome.problems = try problems(
                line, place, wasInterrupted: wasInterrupted || result.status == 130)
            try FileManager.default.removeItem(atPath: folder.file(place))
            return outcome
        } catch {
            return Outcome(status: -1, end: "\(error)", wasInterrupted: false, problems: ["\(error)"])
        }
    }

    /// Traces of a line outside its outputs.
    private func problems(_ line: FuzzedLine, _ place: String, wasInterrupted: Bool) throws -> [String] {
        var problems: [String] = []
        func contents(_ name: String) throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: folder.file("\(place)/\(name)"))
        }
        let stray = try contents("here").filter { !line.mayWrite($0) }
        if !stray.isEmpty { problems.append("wrote \(stray.sorted())") }
        if try !contents("home").isEmpty {
            problems.append("wrote to the home folder: \(try contents("home"))")
        }
        if try !wasInterrupted && !contents("tmp").isEmpty {
            problems.append("left temporary files: \(try contents("tmp"))")
        }
        let text = Array("a text of the user\n".utf8)
        if bytes(folder.file(place + "/here/folder/keep.txt")) != text {
            problems.append("a file of the user was destroyed")
        }
        if !line.uses("note.txt"), bytes(folder.file(place + "/here/note.txt")) != text {
            problems.append("a text of the user was changed")
        }
        var status = stat()
        if stat("/dev/null", &status) != 0 || status.st_mode & S_IFMT != S_IFCHR {
            problems.append("/dev/null is no device any more")
        }
        return problems
    }

    /// Names, sizes and checksums of all inputs.
    func inputs() throws -> [String] {
        let script = "find . -type f -exec cksum {} + ; find ."
        let result = try runProcess("/bin/sh", ["-c", script], folder: inputsPath)
        return result.output.split(separator: "\n").map(String.init).sorted()
    }
}
