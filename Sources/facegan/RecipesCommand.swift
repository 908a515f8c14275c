import ArgumentParser
import Console
import Recipes
import Settings

/// `facegan recipes`: list and content of the recipes.
struct RecipesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recipes",
        abstract: "List the recipes, show one, or list the settings of recipes.",
        discussion: """
            A recipe is a YAML file. To change values for a run, use --set of facegan train, or write a file.

            Examples:
              facegan recipes
              facegan recipes dcgan > my.yaml
              facegan recipes progan --preset small
              facegan recipes --fields
            """)

    @Argument(help: "Show the file of this recipe.")
    var name: String?

    @Option(help: "Show the recipe with this preset and all values.")
    var preset: String?

    @Flag(help: "List all settings with defaults and ranges.")
    var fields = false

    func validate() throws {
        if preset != nil, name == nil { throw ValidationError("--preset requires the name of a recipe.") }
    }

    func run() throws {
        let output = ConsoleOutput.standardOutput
        if fields {
            for field in try SettingsDocument.reference(Recipe.self) {
                let range = field.range.map { " (\($0))" } ?? ""
                let kinds = [field.systems, field.kinds].compactMap { $0 }
                    .map { " [\($0.joined(separator: ", "))]" }.joined()
                output.writeLine("\(field.key) = \(field.defaultValue)\(range)\(kinds)\n    \(field.help)")
            }
        } else if let name {
            if preset == nil, let known = Recipe.library.first(where: { $0.name == name }) {
                output.write(known.text)
            } else {
                output.write(try Recipe.load(name, preset: preset).yaml)
            }
        } else {
            for known in Recipe.library {
                let recipe = try Recipe.load(known.name)
                let presets = try SettingsDocument.presets(yaml: known.text, path: known.name)
                let names = presets.isEmpty ? "" : "  (presets: \(presets.joined(separator: ", ")))"
                output.writeLine(output.styled(known.name, .bold) + names + "\n    \(recipe.about)")
            }
        }
    }
}
