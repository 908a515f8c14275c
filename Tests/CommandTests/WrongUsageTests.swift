import Foundation
import TestSupport
import Testing

/// Messages for wrong usage: one message with problem, place and remedy.
@Suite struct WrongUsageTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let arguments: [String]
        let says: [String]
        var status: Int32 = 64

        var testDescription: String { arguments.joined(separator: " ") }
    }

    static let cases: [Case] = [
        // Recipes
        Case(
            arguments: ["train", "--recipe", "dcgam", "--data", "builtin:8"],
            says: ["dcgam: no such recipe", "Did you mean `dcgan`?", "dcgan-dense"], status: 1),
        Case(arguments: ["recipes", "dcgn"], says: ["dcgn: no such recipe", "`dcgan`"], status: 1),
        Case(
            arguments: ["train", "--recipe", "missing.yaml", "--data", "builtin:8"], says: ["missing.yaml"],
            status: 1),
        // --set
        Case(
            arguments: set("generator.filtres=32"),
            says: ["--set generator.filtres=32", "did you mean `filters`?"], status: 1),
        Case(
            arguments: set("batchSize=many"), says: ["--set batchSize=many", "batchSize", "many"], status: 1),
        Case(arguments: set("batchSize=0"), says: ["--set batchSize=0", "2", "65536"], status: 1),
        Case(arguments: set("resolution=60"), says: ["resolution", "a power of two", "60"], status: 1),
        Case(arguments: set("loss.kind=hing"), says: ["loss.kind", "non-saturating"], status: 1),
        Case(arguments: set("batchSize"), says: ["--set batchSize", "="], status: 1),
        // Data
        Case(arguments: ["train", "--recipe", "dcgan"], says: ["--data"], status: 1),
        Case(arguments: ["train"], says: ["--recipe dcgan", "--out"], status: 1),
        Case(
            arguments: ["train", "--recipe", "dcgan", "--data", "no/such.zip"], says: ["no/such.zip"],
            status: 1),
        Case(
            arguments: ["train", "--recipe", "dcgan", "--data", "builtin:none"],
            says: ["builtin:none", "builtin:2000"], status: 1),
        Case(
            arguments: ["train", "--out", "no/such/run", "--data", "builtin:8"],
            says: ["no/such/run", "no run", "--recipe"], status: 1),
        // Numbers
        Case(
            arguments: ["train", "--recipe", "dcgan", "--data", "builtin:8", "--kimg", "0"],
            says: ["--kimg: expected 0.001 to 1,000,000,000, got 0.0"]),
        Case(
            arguments: ["train", "--recipe", "dcgan", "--data", "builtin:8", "--steps", "0"],
            says: ["--steps: expected 1 to 1,000,000,000,000, got 0"]),
        Case(
            arguments: ["train", "--recipe", "dcgan", "--data", "builtin:8", "--precision", "fp8"],
            says: ["fp8", "--precision", "bf16"]),
        Case(
            arguments: ["train", "--recipe", "dcgan", "--data", "builtin:8", "--kimg", "inf"],
            says: ["--kimg", "got inf"]),
        Case(
            arguments: ["train", "--recipe", "dcgan", "--data", "builtin:8", "--minutes", "nan"],
            says: ["--minutes", "got nan"]),
        Case(
            arguments: [
                "train", "--recipe", "dcgan", "--data", "builtin:8", "--steps", "9223372036854775807",
            ],
            says: ["--steps", "9223372036854775807"]),
        Case(
            arguments: ["train", "--recipe", "dcgan", "--data", "builtin:8", "--threads", "100000"],
            says: ["--threads: expected 1 to ", "100000"]),
        Case(
            arguments: ["data", "doctor", "builtin:8", "--threads", "100000"], says: ["--threads", "100000"]),
        Case(
            arguments: ["evaluate", "builtin:8", "--seed", "18446744073709551615"],
            says: ["--seed", "18446744073709551615"]),
        Case(
            arguments: [
                "evaluate", "builtin:8", "--against", "x.safetensors", "--count", "5", "--seed",
                "18446744073709551600",
            ], says: ["--seed", "18446744073709551600"]),
        // An output that is the input
        Case(
            arguments: [
                "export", packageRoot() + "/Weights/face.safetensors", "--out",
                packageRoot() + "/Weights/face.safetensors",
            ],
            says: ["the output would replace the input"], status: 1),
        // More memory than any machine has
        Case(
            arguments: [
                "train", "--recipe", "dcgan", "--dry-run", "--set", "batchSize=65536", "resolution=1024",
            ], says: ["out of memory: 65536 pictures of 1024x1024"], status: 1),
        // Few pictures
        Case(
            arguments: [
                "evaluate", "builtin:1", "--against", "builtin:8", "--protocol", "square16", "--metrics",
                "fd-face",
            ],
            says: ["fd-face requires 2 or more evaluated pictures, got 1"], status: 1),
        Case(
            arguments: [
                "evaluate", "builtin:8", "--against", "builtin:3", "--protocol", "square16", "--metrics",
                "kd-face",
            ],
            says: ["kd-face requires 4 or more reference pictures, got 3"], status: 1),
        Case(
            arguments: [
                "evaluate", "builtin:8", "--part", "test", "--protocol", "square16", "--metrics",
                "attributes",
            ],
            says: ["builtin:8: no pictures in the test part", "train"], status: 1),
        // Generating
        Case(arguments: ["generate", "no/such/run"], says: ["no/such/run", "facegan train"], status: 1),
        Case(arguments: ["generate", "x", "--seeds", "5-3"], says: ["5-3", "--seeds"]),
        Case(arguments: ["generate", "x", "--seeds", "-5"], says: ["'-5' is not a seed", "0-63,100"]),
        Case(arguments: ["generate", "x", "--seeds", "one"], says: ["one", "--seeds"]),
        Case(arguments: ["generate", "x", "--seeds", "1,,2"], says: ["1,,2", "--seeds"]),
        Case(arguments: ["generate", "x", "--seeds", "1", "--count", "2"], says: ["--seeds", "--count"]),
        Case(arguments: ["generate", "x", "--raw", "--ema"], says: ["--raw", "--ema"]),
        Case(
            arguments: ["generate", "x", "--columns", "0"],
            says: ["--columns: expected 1 to 1,000,000, got 0"]),
        Case(arguments: ["generate"], says: ["<model>"]),
        // Importing
        Case(arguments: ["import", "no-such.pth", "--out", "x"], says: ["no-such.pth"], status: 1),
        Case(arguments: ["import", "x.pth"], says: ["--out"]),
    ]

    private static func set(_ text: String) -> [String] {
        ["train", "--recipe", "dcgan", "--data", "builtin:8", "--set", text]
    }

    @Test(arguments: cases)
    func isExplained(wrong: Case) throws {
        let folder = try TemporaryFolder()
        let result = try Command.run(wrong.arguments, folder: folder.path)
        #expect(result.status == wrong.status)
        #expect(result.errors.hasPrefix("Error: "), "\(result.errors)")
        for text in wrong.says { #expect(result.errors.contains(text), "\(result.errors)") }
        // No default description of a Swift error.
        for noise in ["Fatal", "Swift.", "NSError", "Error Domain", "Optional(", "Error("] {
            #expect(!result.errors.contains(noise), "\(result.errors)")
        }
        #expect(try folder.contents() == [], "a mistake left something behind")
    }

    /// All problems of a recipe in one message, each with its line.
    @Test func aRecipesProblemsAreListed() throws {
        let folder = try TemporaryFolder()
        try folder.write("name: mine\nbatchSize: -3\ngenerator:\n  filtres: 8\n", to: "mine.yaml")
        let result = try Command.run(
            "train", "--recipe", "mine.yaml", "--data", "builtin:8", folder: folder.path)
        #expect(result.status == 1)
        #expect(result.errors.contains("mine.yaml:2:"))
        #expect(result.errors.contains("mine.yaml:4:"))
        #expect(result.errors.contains("`filters`") || result.errors.contains("`generator.filters`"))
    }
}
