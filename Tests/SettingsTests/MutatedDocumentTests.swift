import Settings
import TestSupport
import Testing

/// Broken documents are refused or read: nothing crashes, hangs or is half understood.
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
        var mutator = Mutator(seed: 0x5E77_1465)
        var accepted = 0
        for index in 0..<fuzzCount(usual: 400) {
            let bytes = mutator.mutate(originals[index % originals.count], donors: originals)
            do {
                let value = try SettingsDocument.decode(Sample.self, bytes: bytes, path: "r.yaml")
                accepted += 1
                // What was understood can be written down and read again.
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
        var mutator = Mutator(seed: 0x5E7)
        for index in 0..<fuzzCount(usual: 400) {
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
