import Foundation
import Recipes
import Settings
import TestSupport
import Testing

/// A recipe that breaks one validation rule.
struct BrokenRule: Sendable, CustomTestStringConvertible {
    /// Name of a recipe of the library.
    let recipe: String
    let overrides: [String]
    /// Key at which the problem is reported.
    let key: String
    /// Text after the word "expected", and the received value.
    let message: String

    init(_ recipe: String, _ overrides: [String], _ key: String, _ message: String) {
        (self.recipe, self.overrides, self.key, self.message) = (recipe, overrides, key, message)
    }

    var testDescription: String { "\(recipe) \(overrides.joined(separator: " "))" }

    /// Rules of all systems.
    static let common = [
        BrokenRule(
            "dcgan", ["name=../up"], "name",
            "1 to 200 characters without / and .. and control characters, not beginning with a dot, received `../up`"
        ),
        BrokenRule("dcgan", ["resolution=48"], "resolution", "a power of two, received `48`"),
        BrokenRule(
            "dcgan", ["data.background=beige"], "data.background",
            "white, black, gray, or six hexadecimal digits, received `beige`"),
        BrokenRule(
            "dcgan", ["schedule.kind=linear", "schedule.startKimg=9", "schedule.endKimg=5"],
            "schedule.endKimg", "more than startKimg, received `5`"),
        BrokenRule("dcgan", ["schedule.kind=step"], "schedule.everyKimg", "more than 0"),
        BrokenRule(
            "dcgan", ["zeroCenteredPenalty.r1Gamma={kind: linear, from: 9, to: 1, endKimg: 0}"],
            "zeroCenteredPenalty.r1Gamma.endKimg", "more than startKimg, received `0`"),
        BrokenRule(
            "dcgan", ["zeroCenteredPenalty.r2Gamma={kind: step, from: 9, to: 1, endKimg: 0}"],
            "zeroCenteredPenalty.r2Gamma.endKimg", "more than 0, received `0`"),
    ]

    /// Rules of a generator and a discriminator.
    static let adversarial = [
        BrokenRule(
            "dcgan", ["perceptual.weight=1", "perceptual.minSide=128"], "perceptual.minSide",
            "at most the resolution, 64, received `128`"),
        BrokenRule(
            "dcgan", ["perceptual.kind=absolute"], "perceptual.kind",
            "statistics or random-pairs, because a generated picture has no paired real picture, received `absolute`"
        ),
        BrokenRule(
            "progan", ["growth.startSide=256"], "growth.startSide",
            "at most the resolution, 128, received `256`"),
        BrokenRule("progan", ["growth.startSide=12"], "growth.startSide", "a power of two, received `12`"),
        BrokenRule(
            "progan", ["growth.batchSizes=[8, 6]"], "growth.batchSizes",
            "batch sizes (and batchSize) that are multiples of discriminator.deviationGroup, 4, received a list"
        ),
        BrokenRule(
            "stylegan2", ["enlargement.fromSide=64"], "enlargement.fromSide",
            "less than the resolution, 64, received `64`"),
        BrokenRule(
            "stylegan2", ["enlargement.fromSide=12"], "enlargement.fromSide",
            "0, or a power of two from 8, received `12`"),
        BrokenRule(
            "dcgan", ["enlargement.fromSide=32"], "enlargement.fromSide",
            "0, or networks of kind stylegan2 with discriminator.scales: 1, received `32`"),
        BrokenRule(
            "conditional", ["conditions.exclusive=true"], "conditions.exclusive",
            "false, or conditions.classifier: false, because the classifier needs labels of absent attributes, "
                + "received `true`"),
        BrokenRule(
            "stylegan2", ["batchSize=30"], "batchSize",
            "a multiple of discriminator.deviationGroup, 4, received `30`"),
        BrokenRule(
            "dcgan", ["discriminator.kind=progressive"], "discriminator.kind",
            "progressive for both networks or for neither, because they grow together, received `progressive`"
        ),
        BrokenRule(
            "dcgan", ["resolution=16", "discriminator.scales=3"], "discriminator.scales",
            "a smaller number: the smallest pictures would have fewer than 8 x 8 pixels (progressive: 4 x 4), received `3`"
        ),
        BrokenRule(
            "sagan", ["generator.attentionSide=128"], "generator.attentionSide",
            "0, or the side of the output of a block of this network, received `128`"),
        BrokenRule(
            "sagan", ["discriminator.attentionSide=64"], "discriminator.attentionSide",
            "0, or the side of the output of a block of this network, received `64`"),
        BrokenRule(
            "sagan", ["generator.filters=6", "generator.maxFilters=12"], "generator.attentionSide",
            "0, or a side at which the number of channels is a multiple of 8 (here 12), received `32`"),
        BrokenRule(
            "dcgan", ["featureMatching.weight=1"], "featureMatching.weight",
            "0, or a residual or progressive discriminator, because other families return no feature maps, received `1`"
        ),
        BrokenRule(
            "sagan", ["featureMatching.kind=maps"], "featureMatching.kind",
            "means or absolute-means, because a generated picture has no paired real picture, received `maps`"
        ),
        BrokenRule(
            "dcgan", ["attributeLoss.realWeight=1"], "attributeLoss",
            "weights of 0, or conditions.classifier: true, because only a classifier has attribute logits, "
                + "received a group of settings"),
        BrokenRule(
            "conditional", ["attributeLoss.realWeight=0"], "attributeLoss.realWeight",
            "more than 0, because the classifier needs training, received `0`"),
        BrokenRule(
            "wgan-gp", ["augment.kind=ada"], "augment.kind",
            "none, diffaugment or scheduled, because ada needs a loss in which the sign of a logit separates real from generated, "
                + "received `ada`"),
        BrokenRule(
            "r3gan", ["generator.groupSize=10"], "generator.groupSize",
            "a number that divides the channels inside every block: expansion times the channels of every side, "
                + "received `10`"),
        BrokenRule(
            "dcgan", ["augment.kind=ada", "augment.startProbability=0.9"], "augment.startProbability",
            "a number not above maxProbability, received `0.9`"),
        BrokenRule(
            "dcgan", ["steps.kind=adaptive", "steps.low=0.9", "steps.high=0.5"], "steps.high",
            "more than low, received `0.5`"),
        BrokenRule(
            "dcgan", ["instanceNoise.deviation=0.1"], "instanceNoise.endKimg",
            "more than 0 if deviation is more than 0"),
        BrokenRule(
            "conditional", ["conditions.attributes=[Male, Male]"], "conditions.attributes",
            "distinct names, received a list"),
        BrokenRule(
            "conditional",
            [
                "conditions.projection=false", "conditions.classifier=false", "attributeLoss.realWeight=0",
                "attributeLoss.fakeWeight=0",
            ], "conditions.projection",
            "true unless classifier is true, because one of them must train the attributes, received `false`"),
    ]

    /// Rules of a restorer.
    static let restoration = [
        BrokenRule(
            "dfl", ["input.kind=smaller", "phases.warp.maxKimg=0", "phases.warp.minKimg=0"], "input.kind",
            "same or warped, because input and output of an autoencoder have the same size, received `smaller`"
        ),
        BrokenRule(
            "superres", ["input.kind=same"], "input.kind",
            "smaller, because this restorer upscales its input, received `same`"),
        BrokenRule("superres", ["input.scale=3"], "input.scale", "2, 4 or 8, received `3`"),
        BrokenRule(
            "dfl", ["resolution=16", "restorer.halfSide=false"], "resolution",
            "32 or more for an autoencoder, received `16`"),
        BrokenRule(
            "dfl", ["resolution=32"], "resolution",
            "64 or more for an autoencoder with halfSide, received `32`"),
        BrokenRule(
            "superres", ["reconstruction.absolute=0"], "reconstruction",
            "at least one weight above 0, received a group of settings"),
        BrokenRule(
            "superres", ["perceptual.minSide=256"], "perceptual.minSide",
            "at most the resolution, 128, received `256`"),
        BrokenRule(
            "superres", ["perceptual.kind=statistics"], "perceptual.kind",
            "absolute or squared, because each restored picture has a target picture, received `statistics`"),
        BrokenRule(
            "superres", ["phases.warp.maxKimg=5"], "phases.warp.maxKimg",
            "0, unless input.kind is warped, received `5`"),
        BrokenRule(
            "superres", ["phases.plain.minKimg=0", "phases.plain.maxKimg=0"], "phases.plain.maxKimg",
            "more than 0, because the adversarial phase follows a phase without a critic, received `0`"),
        BrokenRule(
            "superres", ["phases.plain.minKimg=5000"], "phases.plain.minKimg",
            "at most maxKimg, received `5000`"),
        BrokenRule(
            "dfl", ["resolution=64", "critic.patchSize=600"], "critic.patchSize",
            "a smaller patch, because the pictures have 64 x 64 pixels, received `600`"),
    ]

    /// Rules of a converter.
    static let conversion = [
        BrokenRule(
            "convert", ["conditions.attributes=[]"], "conditions.attributes",
            "at least one name, received a list"),
        BrokenRule(
            "convert", ["conditions.exclusive=true"], "conditions.exclusive",
            "false, because a converter changes attributes independently, received `true`"),
        BrokenRule(
            "convert", ["conditions.classifier=false"], "conditions.classifier",
            "true, because the critic of a converter classifies attributes, received `false`"),
        BrokenRule(
            "convert", ["resolution=32"], "converter.levels",
            "fewer levels, so that the smallest maps have at least 2 x 2 pixels, received `5`"),
        BrokenRule(
            "convert", ["converter.skips=5"], "converter.skips", "a number less than levels, received `5`"),
        BrokenRule(
            "convert", ["converter.injections=6"], "converter.injections",
            "a number less than levels, received `6`"),
        BrokenRule(
            "convert", ["augment.kind=ada"], "augment.kind",
            "none, diffaugment or scheduled, because a converter has no adaptive augmentation, received `ada`"
        ),
        BrokenRule(
            "convert", ["gradientPenalty.every=4"], "gradientPenalty.every",
            "1, because a converter has no lazy regularization, received `4`"),
        BrokenRule(
            "convert", ["gradientPenalty.drift=0.1"], "gradientPenalty.drift",
            "0, because a converter has no drift penalty, received `0.1`"),
        BrokenRule(
            "convert", ["attributeLoss.fakeWeight=0"], "attributeLoss",
            "realWeight and fakeWeight above 0, because no other loss requests the change, received a group of settings"
        ),
        BrokenRule(
            "convert", ["reconstruction.absolute=0"], "reconstruction",
            "at least one weight above 0, received a group of settings"),
        BrokenRule(
            "convert", ["steps.kind=adaptive"], "steps.kind",
            "fixed, because a converter has no adaptive steps, received `adaptive`"),
        BrokenRule(
            "convert", ["steps.generator=2"], "steps.generator",
            "1, because a converter has one generator step, received `2`"),
    ]

    static let all = common + adversarial + restoration + conversion
}

/// Validation rules of recipes and their messages.
@Suite struct RuleTests {
    @Test(arguments: BrokenRule.all) func messageNamesKeyRuleAndValue(rule: BrokenRule) throws {
        _ = try Recipe.load(rule.recipe)
        let error = try #require(throws: SettingsError.self) {
            try Recipe.load(rule.recipe, overrides: rule.overrides)
        }
        #expect(error.problems.map(\.message) == ["`\(rule.key)`: expected \(rule.message)"])
        #expect(error.problems.map(\.key) == [rule.key])
    }

    /// Each text of a `check` in the sources is the message of a row above.
    @Test func everyRuleHasARow() throws {
        var rules: [RuleText] = []
        for folder in ["Models", "Objectives", "Recipes", "Settings"] {
            rules += try RuleText.all(below: packageRoot() + "/Sources/" + folder)
        }
        #expect(rules.count >= 45)
        for rule in rules {
            #expect(
                BrokenRule.all.contains { rule.matches(key: $0.key, message: $0.message) },
                "no row for the rule at \(rule.key) in \(rule.file): \(rule.text)")
        }
    }

    /// Every field with a range or a list of names rejects other values.
    @Test func everyFieldNamesItsRange() throws {
        let fields = try SettingsDocument.reference(Recipe.self)
        for field in fields where field.range != nil {
            let value: String
            let expected: String
            switch field.type {
            case "number", "number or schedule": (value, expected) = ("-1e300", "expected a number in ")
            case "whole number": (value, expected) = ("-1e300", "expected a whole number in ")
            case "numbers": (value, expected) = ("[-1e300]", "expected a number in ")
            case "whole numbers": (value, expected) = ("[-1e300]", "expected a whole number in ")
            case "flag": (value, expected) = ("maybe", "expected `true` or `false`")
            default: (value, expected) = ("no-such-name", "expected one of ")
            }
            let isList = value.hasPrefix("[")
            var overrides = ["\(field.key)=\(value)"]
            if let kind = field.kinds?.first {
                let group = field.key.split(separator: ".").dropLast().joined(separator: ".")
                overrides.insert("\(group).kind=\(kind)", at: 0)
            }
            let error = try #require(throws: SettingsError.self, "\(field.key)") {
                try SettingsDocument.decode(
                    Recipe.self, yaml: "system: \(field.systems?.first ?? "adversarial")", path: "r.yaml",
                    overrides: overrides)
            }
            let key = isList ? field.key + ".0" : field.key
            var start = "`\(key)`: \(expected)"
            if expected.hasSuffix("number in ") { start += "\(field.range!), received `-1e300`" }
            #expect(
                error.problems.contains { $0.key == key && $0.message.hasPrefix(start) },
                "\(overrides): expected \(start), got \(error)")
        }
        #expect(fields.count > 150)
    }
}

/// The text of a rule in the sources, such as `"at most the resolution, \(resolution)"`.
struct RuleText {
    let file: String
    /// Key relative to its group.
    let key: String
    let text: String

    /// Whether a message can come from this rule. An interpolation matches any text.
    func matches(key fullKey: String, message: String) -> Bool {
        let keys = Self.pieces(key), texts = Self.pieces(text)
        guard Self.match(keys, fullKey) || Self.match([""] + ["." + keys[0]] + keys.dropFirst(), fullKey)
        else {
            return false
        }
        return Self.match(texts, message) || Self.match(texts + [""], message, separator: ", received ")
    }

    /// The pieces of a literal between its interpolations.
    private static func pieces(_ literal: String) -> [String] {
        var pieces = [""]
        var depth = 0
        var previous: Character?
        for character in literal {
            switch (depth, character) {
            case (0, "("):
                if previous == "\\" {
                    pieces[pieces.count - 1].removeLast()
                    depth = 1
                } else {
                    pieces[pieces.count - 1].append(character)
                }
            case (0, _): pieces[pieces.count - 1].append(character)
            case (_, "("): depth += 1
            case (_, ")"):
                depth -= 1
                if depth == 0 { pieces.append("") }
            default: break
            }
            previous = character
        }
        return pieces
    }

    private static func match(_ pieces: [String], _ text: String, separator: String = "") -> Bool {
        var pieces = pieces
        if !separator.isEmpty { pieces[pieces.count - 2] += separator }
        guard text.hasPrefix(pieces[0]) else { return false }
        var rest = text.dropFirst(pieces[0].count)
        guard pieces.count > 1 else { return rest.isEmpty }
        for piece in pieces.dropFirst().dropLast() where !piece.isEmpty {
            guard let range = rest.range(of: piece) else { return false }
            rest = rest[range.upperBound...]
        }
        return rest.hasSuffix(pieces[pieces.count - 1])
    }

    /// The rules of all Swift files in a folder: one for each text of each call of `v.check`.
    static func all(below folder: String) throws -> [RuleText] {
        let names = FileManager.default.enumerator(atPath: folder)?.allObjects as? [String] ?? []
        return try names.filter { $0.hasSuffix(".swift") }.sorted().flatMap { name in
            let source = try String(contentsOfFile: folder + "/" + name, encoding: .utf8)
            let calls = source.components(separatedBy: "v.check(").dropFirst()
            return calls.flatMap { call in
                let literals = literals(ofCall: call)
                // The first literal is the key, the others are the texts of a conditional expression.
                return literals.dropFirst().map { RuleText(file: name, key: literals[0], text: $0) }
            }
        }
    }

    /// The string literals of a call up to its closing parenthesis. Literals joined by `+` are one.
    private static func literals(ofCall source: String) -> [String] {
        var literals: [String] = []
        var current: String?
        var parentheses = 1
        var interpolation = 0
        var previous: Character = " "
        var joins = false
        for character in source {
            if let text = current {
                if interpolation > 0 {
                    interpolation += character == "(" ? 1 : character == ")" ? -1 : 0
                } else if character == "(" && previous == "\\" {
                    interpolation = 1
                } else if character == "\"" {
                    if joins { literals[literals.count - 1] += text } else { literals.append(text) }
                    (current, joins) = (nil, false)
                    previous = character
                    continue
                }
                current = text + String(character)
            } else {
                switch character {
                case "\"": current = ""
                case "(": parentheses += 1
                case ")":
                    parentheses -= 1
                    if parentheses == 0 { return literals }
                case "+": joins = !literals.isEmpty
                case " ", "\n": break
                default: joins = false
                }
            }
            previous = character
        }
        return literals
    }
}
