import Foundation
import TestSupport
import Testing

/// The command line, as `facegan --experimental-dump-help` describes it.
struct CommandTree: Decodable {
    let commandName: String
    let arguments: [Argument]?
    let subcommands: [CommandTree]?

    struct Argument: Decodable {
        let names: [Name]?

        struct Name: Decodable {
            let kind: String
            let name: String
        }
    }

    private struct Dump: Decodable { let command: CommandTree }

    static let facegan: Result<CommandTree, any Error> = Result {
        let result = try runProcess(builtProducts() + "/facegan", ["--experimental-dump-help"])
        return try JSONDecoder().decode(Dump.self, from: Data(result.output.utf8)).command
    }

    /// Options with their dashes.
    var options: Set<String> {
        Set((arguments ?? []).flatMap { $0.names ?? [] }.map { ($0.kind == "short" ? "-" : "--") + $0.name })
    }

    /// Options of this command and of all commands below it.
    var allOptions: Set<String> {
        (subcommands ?? []).reduce(options) { $0.union($1.allOptions) }
    }

    /// Why a command line of a document would not be understood; nil if it would.
    /// - Parameter line: a command that begins with `facegan`, without the program's path.
    func problem(in line: String) -> String? {
        // Up to a pipe, a redirection or the next command.
        var words = line.split(separator: " ").map(String.init).prefix {
            !["|", ">", "&&", ";", "<", "2>"].contains($0)
        }
        guard words.popFirst() == commandName else { return "it does not begin with \(commandName)" }
        var command = self
        while let word = words.first, !word.hasPrefix("-"), let children = command.subcommands,
            !children.isEmpty
        {
            let name = String(word.prefix { $0.isLetter || $0 == "-" })
            guard let next = children.first(where: { $0.commandName == name }) else {
                // A placeholder such as COMMAND or ...
                let isPlaceholder = name.isEmpty || name.allSatisfy(\.isUppercase)
                return isPlaceholder ? nil : "there is no command `\(name)`"
            }
            command = next
            words.removeFirst()
        }
        for word in words where word.hasPrefix("-") && word.count > 1 && Double(word) == nil {
            let option = String(word.prefix { $0.isLetter || $0 == "-" || $0.isNumber })
            if !command.options.contains(option) {
                return "`\(command.commandName)` has no option `\(option)`"
            }
        }
        return nil
    }
}

@Suite struct DocumentedCommandsTests {
    /// Command lines in a page: in code blocks, with continued lines joined, and in inline code.
    private func commands(in document: Document) throws -> [String] {
        var lines: [String] = []
        for block in document.codeBlocks {
            var pending = ""
            for line in block.commands {
                if line.hasSuffix("\\") {
                    pending += line.dropLast() + " "
                    continue
                }
                lines.append(pending + line)
                pending = ""
            }
        }
        let text = try String(contentsOfFile: packageRoot() + "/" + document.path, encoding: .utf8)
        let outside = text.split(separator: "```", omittingEmptySubsequences: false).enumerated()
            .filter { $0.offset % 2 == 0 }.map(\.element).joined(separator: "\n")
        lines += outside.matches(of: /`([^`\n]+)`/).map { String($0.1) }
        return lines.compactMap { line in
            guard let match = line.firstMatch(of: /^(?:\$ |[A-Z_]+=\S+ )*(?:\.\/)?(facegan .*)$/) else {
                return nil
            }
            return String(match.1)
        }
    }

    @Test func everyCommandIsUnderstood() throws {
        let tree = try CommandTree.facegan.get()
        var count = 0
        for document in try Document.all() {
            for line in try commands(in: document) {
                count += 1
                if let problem = tree.problem(in: line) {
                    Issue.record("\(document.path): `\(line)`: \(problem)")
                }
            }
        }
        #expect(count > 60, "only \(count) commands were found")
    }

    /// Options that a page names alone belong to some command.
    @Test func everyOptionExists() throws {
        let known = try CommandTree.facegan.get().allOptions
        for document in try Document.all() where !document.path.contains("CONTRIBUTING") {
            let text = try String(contentsOfFile: packageRoot() + "/" + document.path, encoding: .utf8)
            for match in text.matches(of: /`(--[a-z][a-z-]*)(?:[ =][^`]*)?`/) {
                #expect(known.contains(String(match.1)), "\(document.path): no command has \(match.1)")
            }
        }
    }

    /// Recipe keys that pages set or name exist.
    @Test func everyRecipeKeyExists() throws {
        let fields = try runProcess(builtProducts() + "/facegan", ["recipes", "--fields"]).output
        let keys = Set(fields.matches(of: #/(?m)^([a-zA-Z0-9.]+) = /#).map { String($0.1) })
        #expect(keys.count > 100)
        let groups = Set(keys.flatMap { key in key.split(separator: ".").dropLast().map(String.init) })
        var count = 0
        for document in try Document.all() {
            for line in try commands(in: document) {
                for match in line.matches(of: /([a-z][A-Za-z0-9]*(?:\.[A-Za-z0-9]+)+)=/) {
                    count += 1
                    #expect(
                        keys.contains(String(match.1)), "\(document.path): `\(match.1)` is not a recipe key")
                }
            }
            let text = try String(contentsOfFile: packageRoot() + "/" + document.path, encoding: .utf8)
            for match in text.matches(of: /`([a-z][A-Za-z0-9]*(?:\.[a-z][A-Za-z0-9]*)+)(?:=[^`]*)?`/) {
                let key = String(match.1)
                // Other dotted names are files and functions.
                guard let first = key.split(separator: ".").first, groups.contains(String(first)),
                    key.wholeMatch(
                        of: /.*\.(py|md|json|yaml|swift|txt|png|zip|csv|safetensors|tgz|pt|pth|html)/) == nil
                else { continue }
                count += 1
                #expect(keys.contains(key), "\(document.path): `\(key)` is not a recipe key")
            }
        }
        #expect(count > 25, "only \(count) keys were found")
    }

    /// Files that the architecture page names exist.
    @Test func everyNamedFileExists() throws {
        var count = 0
        for document in try Document.all() {
            let text = try String(contentsOfFile: packageRoot() + "/" + document.path, encoding: .utf8)
            for match in text.matches(
                of: /`((?:Sources|Tests|Recipes|scripts|Benchmarks|Examples)\/[A-Za-z0-9+_.\/-]+)`/)
            {
                count += 1
                #expect(
                    FileManager.default.fileExists(atPath: packageRoot() + "/" + match.1),
                    "\(document.path) names \(match.1), which does not exist")
            }
        }
        #expect(count > 20)
    }

    /// The check finds what is wrong.
    @Test(arguments: [
        ("facegan trian --recipe dcgan", "there is no command `trian`"),
        ("facegan train --recipes dcgan", "`train` has no option `--recipes`"),
        ("facegan data prepare x --size 64", "`prepare` has no option `--size`"),
        ("facegam train", "it does not begin with facegan"),
    ])
    func mistakesAreFound(line: String, problem: String) throws {
        #expect(try CommandTree.facegan.get().problem(in: line) == problem)
    }

    @Test(arguments: [
        "facegan train --seed -5 --data x", "facegan data download lfw|celeba --to DIR",
        "facegan recipes | less --x",
    ])
    func correctLinesPass(line: String) throws {
        #expect(try CommandTree.facegan.get().problem(in: line) == nil)
    }
}
