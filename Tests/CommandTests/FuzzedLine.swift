import Foundation
import TestSupport

/// A command with its options, as `facegan --experimental-dump-help` describes it.
struct FuzzedCommand: Sendable {
    let path: [String]
    let arguments: [Argument]

    struct Argument: Decodable, Sendable {
        let kind: String
        let names: [Name]?
        let valueName: String?
        let defaultValue: String?
        let allValues: [String]?
        let isOptional: Bool
        let isRepeating: Bool

        struct Name: Decodable, Sendable {
            let kind: String
            let name: String
        }

        /// Names with their dashes.
        var spellings: [String] { (names ?? []).map { ($0.kind == "short" ? "-" : "--") + $0.name } }
        /// Name that selects the pool of values.
        var topic: String { names?.first?.name ?? valueName ?? "" }
    }

    private struct Node: Decodable {
        let commandName: String
        let arguments: [Argument]?
        let subcommands: [Node]?

        func commands(above: [String]) -> [FuzzedCommand] {
            let path = above + [commandName]
            return [FuzzedCommand(path: path, arguments: arguments ?? [])]
                + (subcommands ?? []).flatMap { $0.commands(above: path) }
        }
    }

    private struct Dump: Decodable { let command: Node }

    /// All commands of a program, also hidden ones.
    static func all(program: String) throws -> [FuzzedCommand] {
        let result = try runProcess(program, ["--experimental-dump-help"])
        let root = try JSONDecoder().decode(Dump.self, from: Data(result.output.utf8)).command
        return root.commands(above: []).map {
            .init(path: Array($0.path.dropFirst()), arguments: $0.arguments)
        }
    }
}

/// A random command line. It depends only on the seed, the commands and the names of the inputs.
struct FuzzedLine: Sendable {
    let seed: UInt64
    let command: FuzzedCommand
    /// Arguments. `FuzzInputs.rawByte` stands for a byte that is not UTF-8.
    private(set) var words: [String] = []
    private let inputs: String
    private var random: Mutator
    private var chosen: Set<String> = []

    var name: String { command.path.joined(separator: " ") }

    init(commands: [FuzzedCommand], seed: UInt64, inputs: String) {
        self.seed = seed
        self.inputs = inputs
        random = Mutator(seed: seed &* 0x9E37_79B9)
        // Commands with many options are drawn more often.
        let weights = commands.map { 2 + $0.arguments.count }
        var ticket = random.below(weights.reduce(0, +))
        let index = weights.firstIndex { weight in
            ticket -= weight
            return ticket < 0
        }
        command = commands[index ?? 0]
        draw()
    }

    private mutating func draw() {
        words = command.path
        let options = command.arguments.filter { !$0.spellings.isEmpty }
        for argument in command.arguments where argument.spellings.isEmpty {
            guard !argument.isOptional || chance(50), chance(97) else { continue }
            for _ in 0..<(argument.isRepeating ? 1 + random.below(2) : 1) { words.append(value(argument)) }
        }
        for option in options where !option.isOptional && chance(96) { add(option) }
        for _ in 0..<random.below(5) where !options.isEmpty {
            let option = options[random.below(options.count)]
            // Help and version end a line at once.
            if ["help", "version"].contains(option.topic), chance(80) { continue }
            if !chosen.contains(option.topic) || chance(5) { add(option) }
        }
        if chance(1) { words.append(FuzzInputs.texts[random.below(FuzzInputs.texts.count)]) }
    }

    private mutating func add(_ option: FuzzedCommand.Argument) {
        chosen.insert(option.topic)
        let spelling = option.spellings[random.below(option.spellings.count)]
        guard option.kind == "option" else { return words.append(spelling) }
        let text = value(option)
        if spelling.hasPrefix("--"), chance(30) {
            words.append(spelling + "=" + text)
        } else {
            words += chance(99) ? [spelling, text] : [spelling]
        }
    }

    /// A value of the option's kind, or now and then of another kind.
    private mutating func value(_ argument: FuzzedCommand.Argument) -> String {
        if FuzzInputs.outputTopics.contains(argument.topic) {
            // Outputs are relative paths or devices, so that a line stays in its working folder.
            return pick(chance(90) ? FuzzInputs.outputs : FuzzInputs.numbers)
        }
        if argument.topic == "url" { return pick(FuzzInputs.addresses) }
        if chance(12) {
            let pools = [FuzzInputs.numbers, FuzzInputs.texts, FuzzInputs.files.map { inputs + "/" + $0 }]
            return pick(pools[random.below(pools.count)])
        }
        if let all = argument.allValues, !all.isEmpty, chance(90) { return pick(all) }
        if let pool = FuzzInputs.pool(argument.topic) { return pick(pool) }
        if let files = FuzzInputs.fileTopics[argument.topic] {
            return chance(70)
                ? inputs + "/" + pick(files)
                : pick(FuzzInputs.sources.map { $0.replacing("@", with: inputs) })
        }
        return pick(chance(50) ? FuzzInputs.smallNumbers : FuzzInputs.numbers)
    }

    /// Adds limits for options that were not drawn, so that a line takes little time.
    mutating func prepare() {
        let exact = [("steps", "1"), ("seconds", "0.05"), ("times", "1"), ("only", "losses")]
        let usual = [
            ("count", "8"), ("batch", "2"), ("reference-count", "16"), ("threads", "1"), ("frames", "3"),
        ]
        for (topic, text) in exact + (chance(80) ? usual : []) {
            guard let option = command.arguments.first(where: { $0.topic == topic && $0.kind == "option" }),
                !chosen.contains(topic), topic != "count" || chosen.isDisjoint(with: ["seeds", "latents"])
            else { continue }
            words += [option.spellings[0], text]
        }
        // Directions are written beside the model by default, and the inputs must not change.
        if command.path.first == "directions", chosen.isDisjoint(with: ["out", "show", "measure"]) {
            words += ["--out", "out.safetensors"]
        }
        if command.path.first == "measure", command.arguments.contains(where: { $0.topic == "set" }) {
            words += [
                "--set", "resolution=16", "batchSize=4", "generator.filters=4", "discriminator.filters=4",
            ]
        }
        // Only a refused address, so that a line with a wrong proxy cannot reach a server either.
        if command.arguments.contains(where: { $0.topic == "url" }), !chosen.contains("url") {
            words += ["--url", FuzzInputs.addresses[0]]
        }
    }

    /// Whether a word names a file of the working folder.
    func uses(_ name: String) -> Bool {
        words.contains {
            $0 == name || $0.hasSuffix("=" + name) || $0.hasPrefix(name + "/")
                || $0.hasSuffix("=" + name + "/")
        }
    }

    /// Whether the line may write this entry of the working folder.
    func mayWrite(_ entry: String) -> Bool {
        // Default outputs: the run directory, pictures, the film and the data set.
        let usual = [
            "note.txt", "folder", "fifo", "resumed", "runs", "faces.png", "walk.png", "edited.png",
            "mixed.png", "dataset",
        ]
        if usual.contains(entry) { return true }
        return words.contains { word in
            [word, String(word.drop { $0 != "=" }.dropFirst())].contains {
                $0.split(separator: "/").first.map(String.init) == entry
            }
        }
    }

    /// The line for a shell.
    var text: String { "facegan " + words.map(Self.quoted).joined(separator: " ") }

    private static func quoted(_ word: String) -> String { "'" + word.replacing("'", with: "'\\''") + "'" }

    /// A shell script that runs the line. Memory is limited to 8 GB.
    func script(program: String) -> [UInt8] {
        let line = ([program] + words).map(Self.quoted).joined(separator: " ")
        let script = "ulimit -v 8388608 2>/dev/null\nexec \(line)\n"
        return script.unicodeScalars.flatMap { scalar -> [UInt8] in
            scalar == FuzzInputs.rawByte ? [0xE9] : Array(String(scalar).utf8)
        }
    }

    private mutating func chance(_ percent: Int) -> Bool { random.below(100) < percent }
    private mutating func pick(_ pool: [String]) -> String { pool[random.below(pool.count)] }
}
