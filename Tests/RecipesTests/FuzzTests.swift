import Recipes
import Settings
import TestSupport
import Testing

/// Damaged recipes are rejected with lines, or read completely. They must not crash or hang.
@Suite struct FuzzTests {
    @Test func recipes() throws {
        let originals =
            Recipe.library.map { Array($0.text.utf8) } + [try Array(Recipe.load("dcgan").yaml.utf8)]
        var (rejected, read) = (0, 0)
        for number in FuzzNumbers("recipe", usual: 500) {
            var mutator = Mutator(seed: UInt64(number))
            let bytes = mutator.mutate(originals[number % originals.count], donors: originals)
            do {
                let recipe = try SettingsDocument.decode(Recipe.self, bytes: bytes, path: "r.yaml")
                let copy = try SettingsDocument.decode(Recipe.self, yaml: recipe.yaml, path: "copy.yaml")
                #expect(copy.yaml == recipe.yaml, "mutation \(number)")
                read += 1
            } catch let error as SettingsError {
                #expect(error.description.hasPrefix("r.yaml"), "mutation \(number): \(error)")
                rejected += 1
            }
        }
        #expect(rejected > 0 && read > 0)
    }
}
