import Settings
import Testing

/// Complete texts of error messages.
@Suite struct ErrorTextTests {
    @Test func unknownKeyWithASuggestion() {
        #expect(
            problem("name: a\noptimiser:\n  learningrte: 1e-3\n")
                == "r.yaml:3:3: `optimiser.learningrte`: not a setting of `optimiser`;"
                + " did you mean `learningRate`?")
        #expect(
            problem("optimizer: {}") == "r.yaml:1:1: `optimizer`: not a setting; did you mean `optimiser`?")
        #expect(
            problem("optimiser:\n  learning_rate: 1")
                == "r.yaml:2:3: `optimiser.learning_rate`: not a setting of `optimiser`;"
                + " did you mean `learningRate`?")
    }

    @Test func unknownKeyThatLivesElsewhere() {
        #expect(problem("batch: 3") == "r.yaml:1:1: `batch`: not a setting; did you mean `training.batch`?")
    }

    @Test func unknownKeyFarFromEverything() {
        #expect(
            problem("training:\n  colour: red")
                == "r.yaml:2:3: `training.colour`: not a setting of `training`; there are: batch, kimg, tags")
    }

    @Test func keyOfAnotherKind() {
        #expect(
            problem("network:\n  kind: dcgan-dense\n  filters: 3")
                == "r.yaml:3:3: `network.filters`: not a setting of `network` when `kind` is `dcgan-dense`;"
                + " there are: kind, size, stem")
    }

    @Test func wrongTypes() {
        #expect(
            problem("optimiser: {learningRate: fast}")
                == "r.yaml:1:27: `optimiser.learningRate`: expected a number in 0...1, received `fast`")
        #expect(
            problem("training:\n  batch: \"64\"")
                == "r.yaml:2:10: `training.batch`: expected a whole number in 1...4096,"
                + " received the text \"64\"")
        #expect(
            problem("training:\n  batch: [64]")
                == "r.yaml:2:10: `training.batch`: expected a whole number in 1...4096, received a list")
        #expect(
            problem("training:\n  batch:\n")
                == "r.yaml:2:9: `training.batch`: expected a whole number in 1...4096, received nothing")
        #expect(
            problem("optimiser:\n  fused: yes")
                == "r.yaml:2:10: `optimiser.fused`: expected `true` or `false`, received `yes`;"
                + " did you mean `true`?")
        #expect(problem("name: [a]") == "r.yaml:1:7: `name`: expected a text, received a list")
        #expect(
            problem("name: {a: 1}") == "r.yaml:1:7: `name`: expected a text, received a group of settings")
        #expect(
            problem("training: 5") == "r.yaml:1:11: `training`: expected a group of settings, received `5`")
        #expect(
            problem("training:\n  tags: a")
                == "r.yaml:2:9: `training.tags`: expected a list of texts such as `[a, b]`, received `a`")
        #expect(
            problem("penalties: {kind: r1}")
                == "r.yaml:1:12: `penalties`: expected a list of groups, each behind `- `,"
                + " received a group of settings")
        #expect(
            problem("- a") == "r.yaml:1:1: expected settings such as `key: value`, received a list")
    }

    @Test func outOfRange() {
        #expect(
            problem("training:\n  batch: 0")
                == "r.yaml:2:10: `training.batch`: expected a whole number in 1...4096, received `0`")
        #expect(
            problem("training:\n  batch: 2.5")
                == "r.yaml:2:10: `training.batch`: expected a whole number in 1...4096, received `2.5`")
        #expect(
            problem("optimiser:\n  learningRate: .nan")
                == "r.yaml:2:17: `optimiser.learningRate`: expected a number in 0...1, received `.nan`")
        #expect(
            problem("optimiser:\n  clipNorm: -1")
                == "r.yaml:2:13: `optimiser.clipNorm`: expected a number of at least 0, received `-1`")
        #expect(
            problem("optimiser:\n  clipNorm: 1e999")
                == "r.yaml:2:13: `optimiser.clipNorm`: expected a number of at least 0, received `1e999`")
        #expect(
            problem("optimiser:\n  betas: [0.5, 2]")
                == "r.yaml:2:16: `optimiser.betas.1`: expected a number in 0...1, received `2`")
        #expect(
            problem("training:\n  batch: 99999999999999999999")
                == "r.yaml:2:10: `training.batch`: expected a whole number in 1...4096,"
                + " received `99999999999999999999`")
    }

    @Test func wrongChoice() {
        #expect(
            problem("network:\n  kind: dcgam")
                == "r.yaml:2:9: `network.kind`: expected one of dcgan, dcgan-dense, received `dcgam`;"
                + " did you mean `dcgan`?")
        // The fields of an unknown kind are not reported as well.
        #expect(
            problem("penalties:\n  - kind: hinge\n    margin: 2")
                == "r.yaml:2:11: `penalties.0.kind`: expected one of r1, gradient, received `hinge`")
    }

    @Test func rulesAcrossFields() {
        #expect(
            problem("network:\n  size: 66")
                == "r.yaml:2:9: `network.size`: expected a size that 4 divides, received `66`")
        #expect(
            problem("optimiser:\n  betas: [0.5]")
                == "r.yaml:2:10: `optimiser.betas`: expected two numbers, received a list")
    }

    @Test func repeatedKey() {
        #expect(
            problem("training:\n  batch: 1\n  # more\n  kimg: 2\n  batch: 3\n")
                == "r.yaml:5:3: `training.batch` appears twice; it is also at line 2")
        #expect(problem("{name: a, name: b}") == "r.yaml:1:2: `name` appears twice; it is also at line 1")
    }

    @Test func allProblemsAtOnceInOrder() {
        let yaml = "trainig:\n  batch: 1\nnetwork:\n  size: 3\nname: [x]\n"
        #expect(
            problem(yaml, set: ["optimiser.fused=maybe"])
                == """
                r.yaml:1:1: `trainig`: not a setting; did you mean `training`?
                r.yaml:4:9: `network.size`: expected a whole number in 8...1024, received `3`
                r.yaml:5:7: `name`: expected a text, received a list
                r.yaml: --set optimiser.fused=maybe: `optimiser.fused`: expected `true` or `false`,\
                 received `maybe`
                """)
    }

    @Test func twentyProblemsAreListed() {
        let yaml = (0..<23).map { "wrongwrongwrong\($0): 1" }.joined(separator: "\n")
        let lines = problem(yaml).split(separator: "\n")
        #expect(lines.count == 21)
        #expect(lines.last == "… and 3 more")
    }

    @Test func overrides() {
        #expect(
            problem("training:\n  batch: 3", set: ["training.batch=none"])
                == "r.yaml: --set training.batch=none: `training.batch`:"
                + " expected a whole number in 1...4096, received `none`")
        #expect(
            problem("", set: ["training.bach=3"])
                == "r.yaml: --set training.bach=3: `training.bach`: not a setting of `training`;"
                + " did you mean `batch`?")
        #expect(
            problem("", set: ["training.batch"])
                == "r.yaml: --set training.batch: expected `key=value`, such as `training.batch=64`")
        #expect(
            problem("", set: ["=3"])
                == "r.yaml: --set =3: expected a dotted key before `=`, such as `training.batch=64`")
        #expect(
            problem("", set: ["training.batch.size=3"])
                == "r.yaml: --set training.batch.size=3: `training.batch`:"
                + " expected a whole number in 1...4096, received a group of settings")
        #expect(
            problem("penalties: [{kind: r1}]", set: ["penalties.4.weight=3"])
                == "r.yaml: --set penalties.4.weight=3: `penalties` has no item `4`; it has 1, counted from 0"
        )
        #expect(
            problem("", set: ["training.tags=[a"])
                == "r.yaml: --set training.tags=[a: not valid YAML: a `[` or `{` that is not closed")
    }

    @Test func brokenYAML() {
        #expect(
            problem("training:\n\tbatch: 3")
                == "r.yaml:2:1: not valid YAML: a tab indents this line; indent with spaces")
        #expect(
            problem("name: a: b")
                == "r.yaml:1:8: not valid YAML: a `:` that is out of place; check the indentation,"
                + " and quote a text that holds `: `")
        #expect(
            problem("name: \"abc\n")
                == "r.yaml:2:1: not valid YAML: a quoted text that is not closed; it began at line 1")
        #expect(
            problem("training: [1, 2\n")
                == "r.yaml:2:1: not valid YAML: a `[` or `{` that is not closed; it began at line 1")
        #expect(
            problem("name: @x")
                == "r.yaml:1:7: not valid YAML: a value cannot begin with this character; quote the text")
        #expect(
            problem("a: 1\n---\nb: 2") == "r.yaml:2:1: a second document begins; a settings file holds one")
        #expect(
            problem("name: *x")
                == "r.yaml:1:7: not valid YAML: a value that begins with `*` is an alias; quote the text")
        #expect(
            problem("name: a\n  batch: 3")
                == "r.yaml:2:8: not valid YAML: a `:` that is out of place; check the indentation,"
                + " and quote a text that holds `: `")
    }
}
