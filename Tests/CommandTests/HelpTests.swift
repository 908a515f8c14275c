import Foundation
import TestSupport
import Testing

/// The pages of `--help`: found from page to page, as a user does.
@Suite struct HelpTests {
    /// What each command says that it is.
    static let overviews: [String: String] = [
        "": "Train, judge, edit and serve face GANs.",
        "train": "Train a GAN on face photographs; goes on by itself where it was stopped.",
        "generate": "Generate faces; a seed gives the same face in every call.",
        "align": "Cut faces out of photographs, upright and framed as models expect them.",
        "data": "Look at, check, pack and fetch pictures.",
        "data prepare": "Pack pictures into one store for fast training.",
        "recipes": "List the recipes, show one, or list what a recipe can set.",
        "import": "Take a PyTorch state dictionary (.pth, .pt) into a model file.",
        "doctor": "Say what this machine offers, what is missing, and what to do about it.",
    ]

    /// Every page that can be reached, by its command.
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
        // Long lines are broken.
        let overview = page.output.components(separatedBy: "\n\n")[0].replacing("\n", with: " ")
        #expect(overview == "OVERVIEW: \(Self.overviews[command]!)")
    }

    /// Commands that are not in the list above, too: an overview, a usage, examples, and a word on every option.
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
                // The word stands on the same line after two spaces, or alone on the next one.
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

    /// The text after a wrong option names the page that helps.
    @Test func unknownOptionsAreCorrected() throws {
        let result = try Command.run("train", "--recipie", "dcgan")
        #expect(result.status == 64)
        #expect(result.errors.contains("Unknown option '--recipie'. Did you mean '--recipe'?"))
        #expect(result.errors.contains("facegan train --help"))
    }
}
