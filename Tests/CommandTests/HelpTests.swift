import Foundation
import TestSupport
import Testing

/// Pages of `--help` of all commands.
@Suite struct HelpTests {
    /// Abstracts of commands.
    static let overviews: [String: String] = [
        "": "Train, evaluate, edit and serve face GANs.",
        "train": "Train a GAN on face photographs, or resume a run.",
        "generate": "Generate faces; a seed gives the same face in every call.",
        "directions": "Find named directions of a model for facegan edit.",
        "edit": "Change attributes of generated faces.",
        "mix": "Mix the styles of generated faces.",
        "replay": "Generate an edited picture again from the recipe in its metadata.",
        "dataset": "Write a labeled data set of generated faces, with its datasheet.",
        "align": "Crop faces from photographs, upright and aligned as models expect them.",
        "data": "Check, preview, pack and download pictures.",
        "data prepare": "Pack pictures into one store for fast training.",
        "recipes": "List the recipes, show one, or list the settings of recipes.",
        "import": "Convert a PyTorch state dictionary (.pth, .pt) to a model file.",
        "doctor": "Show the engine and devices of this machine, and what is missing.",
    ]

    /// All pages by their command.
    static let pages = Result { try collect([]) }

    private static func collect(_ words: [String]) throws -> [String: ProcessResult] {
        let page = try Command.run(words + ["--help"], environment: ["TORCH_HOME": "/nowhere"])
        var found = [words.joined(separator: " "): page]
        let lines = page.output.split(separator: "\n", omittingEmptySubsequences: false)
        let listed = lines.drop { $0 != "SUBCOMMANDS:" }.dropFirst().prefix { !$0.isEmpty }
        for line in listed where line.hasPrefix("  ") && !line.hasPrefix("   ") {
            let name = String(line.dropFirst(2).prefix { $0 != " " })
            found.merge(try collect(words + [name])) { $1 }
        }
        return found
    }

    @Test(arguments: overviews.keys.sorted())
    func says(command: String) throws {
        let page = try #require(try Self.pages.get()[command], "no page leads to \(command)")
        // Long lines are wrapped.
        let overview = page.output.components(separatedBy: "\n\n")[0].replacing("\n", with: " ")
        #expect(overview == "OVERVIEW: \(Self.overviews[command]!)")
    }

    /// Every command has an overview, a usage, examples, and help for every option.
    @Test func pagesAreWhole() throws {
        for (command, page) in try Self.pages.get() {
            let lines = page.output.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(page.status == 0 && page.errors.isEmpty, "\(command): \(page.errors)")
            #expect(page.output.hasPrefix("OVERVIEW: "), "\(command)")
            #expect(page.output.contains("\nUSAGE: facegan"), "\(command)")
            if !page.output.contains("\nSUBCOMMANDS:") {
                #expect(page.output.contains("Examples:\n  facegan "), "\(command) shows no example")
            }
            for (index, line) in lines.enumerated() where line.hasPrefix("  -") || line.hasPrefix("  <") {
                // The help is on the same line after two spaces, or on the next line.
                let words = line.dropFirst(2)
                let next = index + 1 < lines.count ? lines[index + 1] : ""
                #expect(
                    words.contains("  ") || next.hasPrefix("                          "),
                    "\(command) says nothing about \(words)")
            }
            let long = lines.filter { $0.count > 80 && !$0.hasPrefix("USAGE: ") }
            #expect(long.isEmpty, "\(command) has lines over 80 columns: \(long)")
            for (index, line) in lines.enumerated() where line.hasPrefix("  facegan ") {
                let next = index + 1 < lines.count ? lines[index + 1] : ""
                #expect(next.isEmpty || next.hasPrefix("  "), "\(command): an example is broken: \(line)")
            }
        }
    }

    /// The message for a wrong option names the help page.
    @Test func unknownOptionsAreCorrected() throws {
        let result = try Command.run("train", "--recipie", "dcgan")
        #expect(result.status == 64)
        #expect(result.errors.contains("Unknown option '--recipie'. Did you mean '--recipe'?"))
        #expect(result.errors.contains("facegan train --help"))
    }
}
