import Settings
import Testing

@Suite struct DocumentTests {
    @Test func emptyDocumentGivesTheDefaults() throws {
        for yaml in ["", "\n", "# only a comment\n", "{}", "~", "training:\n  # batch: 3\n"] {
            #expect(try decode(yaml) == Sample())
        }
    }

    @Test func everyFieldIsRead() throws {
        let value = try decode(
            """
            name: "a: b"      # quoted, since it holds a colon
            network: {kind: dcgan-dense, size: 128, stem: [8, 8, 256]}
            optimiser:
              learningRate: 1E-3
              betas: [0, .9]
              clipNorm: .inf
              fused: false
            training:
              batch: 1e2
              kimg: 5
              tags:
                - one
                - '2'
            penalties:
              - kind: gradient
                weight: 10
              - weight: 0.5
            """)
        #expect(value.name == "a: b")
        #expect(value.network == Network(kind: .dense, size: 128, filters: 64, stem: [8, 8, 256]))
        #expect(value.optimizer == Optimizer(learningRate: 0.001, betas: [0, 0.9], fused: false))
        #expect(value.training == Training(batch: 100, kimg: 5, tags: ["one", "2"]))
        #expect(value.penalties == [Penalty(kind: .gradient, weight: 10), Penalty(kind: .r1, weight: 0.5)])
    }

    @Test func numbersThatAreAccepted() throws {
        for (text, number) in [
            ("2e-4", 2e-4), ("0.0002", 0.0002), ("1", 1), ("+.5", 0.5), ("1.", 1), ("-0.0", 0),
            ("1E-2", 0.01),
        ] {
            #expect(
                try decode("optimiser: {learningRate: \(text)}").optimizer.learningRate == number, "\(text)")
        }
        for text in [
            "1_000", "0x1", "1,5", "1e", "e5", ".", "+", "1e5.0", "0b1", "1 000", "١", "infinity", "nan",
        ] {
            #expect(throws: SettingsError.self, "\(text)") {
                try decode("optimiser: {clipNorm: '\(text)'}".replacing("'", with: ""))
            }
        }
    }

    @Test func overridesWin() throws {
        let value = try decode(
            "training: {batch: 3}\npenalties: [{weight: 1}, {weight: 2}]",
            set: [
                "training.batch=4", "training.batch=5", "name=x: y", "optimiser.betas=[0, 0.99]",
                "network={kind: dcgan-dense}", "network.size=32", "penalties.1.weight=7",
                "training.tags=[a, b]",
            ])
        #expect(value.training.batch == 5)
        #expect(value.name == "x: y")
        #expect(value.optimizer.betas == [0, 0.99])
        #expect(value.network.kind == .dense && value.network.size == 32)
        #expect(value.penalties.map(\.weight) == [1, 7])
        #expect(value.training.tags == ["a", "b"])
        #expect(try decode("", set: ["name=007"]).name == "007")
        #expect(try decode("", set: ["name="]).name == "")
    }

    @Test func canonicalText() {
        var value = Sample()
        value.penalties = [Penalty(), Penalty(kind: .gradient, weight: 1e-7)]
        value.training.tags = ["one", "two words", "true", ""]
        #expect(
            SettingsDocument.encode(value) == """
                name: sample
                network:
                  kind: dcgan
                  size: 64
                  filters: 64
                optimiser:
                  learningRate: 0.0002
                  betas: [0.5, 0.999]
                  clipNorm: .inf
                  fused: true
                training:
                  batch: 64
                  kimg: 100.0
                  tags: [one, "two words", "true", ""]
                penalties:
                  - kind: r1
                    weight: 10.0
                  - kind: gradient
                    weight: 1e-07

                """)
    }

    @Test func numbersRoundTripExactly() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2_000 {
            var value = Sample()
            value.optimizer.learningRate = Double(bitPattern: random.next() & 0x3FEF_FFFF_FFFF_FFFF)
            value.optimizer.clipNorm = abs(Double(bitPattern: random.next() & 0x7FEF_FFFF_FFFF_FFFF))
            #expect(try decode(SettingsDocument.encode(value)) == value)
        }
    }

    @Test(arguments: [
        "", " ", "~", "null", "yes", "1e5", "0", "-", "- a", "a: b", "#x", "a #b", "*a", "&a", "!t", "%d",
        "@", "`",
        "\"", "'", "\\", "\n", "a\nb\n", "\t", "\u{0}", "\u{7F}", "\u{85}", "\u{A0}", "\u{2028}",
        "a\u{FEFF}b",
        "é",
        "人脸", "😀", "\u{1F1E9}\u{1F1EA}", "a\r\nb", "[x]", "{", "|", ">", "?", "runs/a-1.yaml", "\u{E000}",
        "\u{10FFFF}", "e\u{301}", "\u{200B}", ".inf", "a,b",
    ])
    func textsRoundTrip(_ text: String) throws {
        var value = Sample()
        value.name = text
        value.training.tags = [text, "x", text]
        let back = try decode(SettingsDocument.encode(value))
        #expect(Array(back.name.unicodeScalars) == Array(text.unicodeScalars))
        #expect(back == value)
    }

    @Test func changesNameWhatDiffers() throws {
        let old = Sample()
        let new = try decode("", set: ["training.batch=128", "network.kind=dcgan-dense"])
        #expect(
            SettingsDocument.changes(from: old, to: new).map(\.description) == [
                "network.kind: dcgan → dcgan-dense", "network.stem: not set → [4, 4, 512]",
                "training.batch: 64 → 128", "network.filters: 64 → not set",
            ])
        #expect(SettingsDocument.changes(from: old, to: old).isEmpty)
    }

    /// An override of the kind removes the file's fields of the old kind, but not those of other overrides.
    @Test func anotherKindLeavesTheOldOnesFieldsBehind() throws {
        let yaml = "network:\n  kind: dcgan\n  size: 32\n  filters: 16\n"
        let changed = try decode(yaml, set: ["network.kind=dcgan-dense"])
        #expect(changed.network.kind == .dense && changed.network.size == 32)
        #expect(try decode(yaml, set: ["network.kind=dcgan"]).network.filters == 16)
        #expect(throws: SettingsError.self) {
            try decode(yaml, set: ["network.filters=8", "network.kind=dcgan-dense"])
        }
    }

    @Test func referenceListsEveryVariant() throws {
        let fields = try SettingsDocument.reference(Sample.self)
        let table = fields.map {
            "\($0.key) | \($0.type) | \($0.defaultValue) | \($0.range ?? "") | \($0.kinds ?? [])"
        }
        #expect(
            table == [
                "name | text | sample |  | []",
                "network.kind | choice | dcgan | dcgan, dcgan-dense | []",
                "network.size | whole number | 64 | 8...1024 | []",
                "network.filters | whole number | 64 | 1...4096 | [\"dcgan\"]",
                "network.stem | whole numbers | [4, 4, 512] | 1...4096 | [\"dcgan-dense\"]",
                "optimiser.learningRate | number | 0.0002 | 0...1 | []",
                "optimiser.betas | numbers | [0.5, 0.999] | 0...1 | []",
                "optimiser.clipNorm | number | .inf | at least 0 | []",
                "optimiser.fused | flag | true | true, false | []",
                "training.batch | whole number | 64 | 1...4096 | []",
                "training.kimg | number | 100.0 | 0...1000000000 | []",
                "training.tags | texts | [] |  | []",
                "penalties | list of groups | [] |  | []",
                "penalties.0.kind | choice | r1 | r1, gradient | []",
                "penalties.0.weight | number | 10.0 | 0...1000000 | []",
            ])
        #expect(fields.allSatisfy { $0.help.hasSuffix(".") })
    }
}
