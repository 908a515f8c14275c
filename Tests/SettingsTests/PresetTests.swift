import Settings
import Testing

/// Presets: named groups of changes in one file.
@Suite struct PresetTests {
    private static let text = """
        training: {batch: 64, kimg: 10}
        optimiser: {learningRate: 1e-3}
        presets:
          small:
            training: {batch: 8}
          huge:
            optimiser:
              learningRate: 1
        """

    private func read(_ preset: String?, _ overrides: [String] = []) throws -> Sample {
        try SettingsDocument.decode(yaml: Self.text, path: "a.yaml", preset: preset, overrides: overrides)
    }

    @Test func aPresetChangesWhatItNames() throws {
        let (plain, small) = (try read(nil), try read("small"))
        #expect(plain.training.batch == 64 && small.training.batch == 8)
        #expect(small.training.kimg == 10 && small.optimizer == plain.optimizer)
        #expect(try read("huge").optimizer.learningRate == 1)
        // Overrides are applied after the preset.
        #expect(try read("small", ["training.batch=16"]).training.batch == 16)
        #expect(try SettingsDocument.presets(yaml: Self.text, path: "a.yaml") == ["small", "huge"])
    }

    @Test func mistakesAreNamed() throws {
        func message(_ yaml: String, _ preset: String?) throws -> String {
            let error = #expect(throws: SettingsError.self) {
                try SettingsDocument.decode(Sample.self, yaml: yaml, path: "a.yaml", preset: preset)
            }
            return "\(try #require(error))"
        }
        #expect(try message(Self.text, "smal") == "a.yaml: no preset `smal`; did you mean `small`?")
        #expect(try message(Self.text, "quick").contains("there are: small, huge"))
        #expect(try message("training: {batch: 8}", "small").hasSuffix("the file has none"))
        #expect(try message("presets: 3", nil).hasPrefix("a.yaml:1:1: expected names of presets"))
        #expect(try message("presets:\n  small: 3", nil).hasPrefix("a.yaml:2:"))
        // An error inside a preset has the line of the preset.
        #expect(
            try message("training: {batch: 8}\npresets:\n  a:\n    training: {batch: no}", "a")
                .hasPrefix("a.yaml:4:"))
    }
}
