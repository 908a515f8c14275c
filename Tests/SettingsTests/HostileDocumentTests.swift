import Foundation
import Settings
import TestSupport
import Testing

/// Hostile documents are rejected with a short message.
@Suite struct HostileDocumentTests {
    @Test func aliasBombIsRefusedBeforeParsing() {
        var yaml = "a0: &a0 [x, x]\n"
        for level in 1..<60 { yaml += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1)]\n" }
        let text = "anchors and aliases (`&name`, `*name`) are not used here; write it out"
        #expect(problem(yaml) == "r.yaml:2:1: \(text)")
        #expect(problem(yaml + "? *a59\n: 1\n") == "r.yaml:2:1: \(text)")
        // A text with both characters but different names is accepted.
        #expect(throws: Never.self) { try decode("name: '2 * b & c'") }
    }

    @Test func depthIsLimited() {
        let flow = String(repeating: "[", count: 200) + String(repeating: "]", count: 200)
        #expect(problem("name: \(flow)") == "r.yaml:1:39: groups are nested more than 32 deep")
        for opening in ["[", "{a: ", "- ", "? ", "[{a: [", "!x ["] {
            let yaml = String(repeating: opening, count: 40_000)
            #expect(throws: SettingsError.self) { try decode(yaml) }
        }
        let steps = (0..<300).map { String(repeating: " ", count: $0) + "a:\n" }.joined()
        #expect(problem(steps).hasSuffix("groups are nested more than 32 deep"))
    }

    @Test func sizesAreLimited() {
        let scalar = String(repeating: "x", count: 20_000)
        #expect(problem("name: \(scalar)") == "r.yaml:1:7: a value has at most 16 KiB")
        let long = String(repeating: "# comment\n", count: 40_000)
        let tooLong = "r.yaml: longer than the 256 KiB that a settings document may have"
        #expect(problem(long) == tooLong)
        let bytes = [UInt8](repeating: 0xC3, count: 300_000)
        let error = #expect(throws: SettingsError.self) {
            try SettingsDocument.decode(Sample.self, bytes: bytes, path: "r.yaml")
        }
        #expect(error?.description == tooLong)
        let many = "name: [" + String(repeating: "1,", count: 30_000) + "]"
        #expect(problem(many) == "r.yaml:1:40004: a settings document has at most 20000 values")
    }

    @Test func controlCharactersStayOutOfMessages() {
        #expect(
            problem("name: [a]\n\"x\\e[31m\": 1")
                == "r.yaml:1:7: `name`: expected a text, received a list\n"
                + "r.yaml:2:1: `x\\u{1b}[31m`: not a setting;"
                + " there are: name, network, optimiser, training, penalties")
        #expect(
            problem("name: a\u{7}")
                == "r.yaml:1:8: not valid YAML: control characters are not allowed; remove the character")
    }

    @Test func tagsAreRefused() {
        #expect(problem("name: !!int 3") == "r.yaml:1:7: tags such as `!!int` are not used here; remove it")
        #expect(problem("training: !python/object {}").hasSuffix("are not used here; remove it"))
    }

    @Test func keysMustBeWords() {
        #expect(problem("? [a]\n: 1") == "r.yaml:1:3: a key must be a word")
    }

    @Test func bytesMustBeUTF8() throws {
        let bytes = Array("name: a\n# ".utf8) + [0xC3, 0x28, 0x0A]
        let error = #expect(throws: SettingsError.self) {
            try SettingsDocument.decode(Sample.self, bytes: bytes, path: "r.yaml")
        }
        #expect(error?.description == "r.yaml:2:1: not UTF-8; save the file as UTF-8 text")
        let marked = [0xEF, 0xBB, 0xBF] + Array("name: b".utf8)
        #expect(try SettingsDocument.decode(Sample.self, bytes: marked, path: "r.yaml").name == "b")
    }

    @Test func filesAreReadAndNamed() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("settings-\(UUID()).yaml")
        try Data("training: {batch: 7}\r\n".utf8).write(to: url)
        defer { try? FileManager.default.removeItem(at: url) }
        #expect(try SettingsDocument.decode(Sample.self, file: url.path).training.batch == 7)
        let error = #expect(throws: SettingsError.self) {
            try SettingsDocument.decode(Sample.self, file: "nowhere.yaml")
        }
        #expect(error?.description == "nowhere.yaml: no such file")
    }
}

/// Damaged documents are rejected or read completely, without crash or hang.
@Suite struct MutatedDocumentTests {
    static let documents = [
        """
        # A recipe with everything in it.
        name: "faces: 64"
        network:
          kind: dcgan-dense
          size: 64
          stem: [4, 4, 512]
        optimiser: {learningRate: 2e-4, betas: [0.5, 0.999], clipNorm: .inf, fused: true}
        training:
          batch: 64
          kimg: 1500.5
          tags:
            - 'first'
            - "se\\u0063ond\\n"
            - |
              block
              text
        penalties:
          - kind: gradient
            weight: 10
          - {kind: r1, weight: 0.1}
        """,
        "name: &a x\ntraining: {tags: [*a, !!str b, 'c']}\n? [k]\n: v\n",
        "%YAML 1.1\n---\nname: >-\n  folded\n  text\n...\n",
        "{\"name\": \"json\", \"training\": {\"batch\": 8, \"tags\": [\"a\", \"b\"]}}",
        "name: 人脸\r\noptimiser:\r\n\tfused: yes\r\n",
    ]

    @Test func documents() throws {
        let originals = Self.documents.map { Array($0.utf8) }
        var accepted = 0
        for index in FuzzNumbers("settings", usual: 400) {
            var mutator = Mutator(seed: UInt64(index))
            let bytes = mutator.mutate(originals[index % originals.count], donors: originals)
            do {
                let value = try SettingsDocument.decode(Sample.self, bytes: bytes, path: "r.yaml")
                accepted += 1
                // An accepted document survives encoding and decoding.
                #expect(try decode(SettingsDocument.encode(value)) == value, "mutation \(index)")
            } catch let error as SettingsError {
                let text = error.description
                #expect(text.hasPrefix("r.yaml:") && text.utf8.count < 20_000, "mutation \(index)")
                #expect(!text.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" }, "mutation \(index)")
            }
        }
        #expect(accepted > 0)
    }

    @Test func overrides() throws {
        let originals = [
            "training.batch=64", "optimiser.betas=[0.5, 0.9]", "network={kind: dcgan}",
            "penalties.0.weight=3",
            "name=\"a b\"",
        ].map { Array($0.utf8) }
        for index in FuzzNumbers("overrides", usual: 400) {
            var mutator = Mutator(seed: UInt64(index))
            let bytes = mutator.mutate(originals[index % originals.count], donors: originals)
            let argument = String(decoding: bytes, as: UTF8.self)
            do {
                let value = try decode("penalties: [{weight: 1}]", set: [argument])
                #expect(try decode(SettingsDocument.encode(value)) == value, "mutation \(index)")
            } catch let error as SettingsError {
                #expect(error.description.hasPrefix("r.yaml: --set "), "mutation \(index): \(error)")
            }
        }
    }
}
