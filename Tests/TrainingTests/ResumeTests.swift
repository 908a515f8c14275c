import Foundation
import Models
import Recipes
import Settings
import TestSupport
import Testing
import Torch
import Training

/// Training 2N steps equals training N steps, stopping, and resuming up to 2N, byte for byte.
@Suite struct ResumeTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var recipe = "dcgan"
        var precision = Precision.fp32
        var overrides: [String] = []
        var optimizer: OptimizerSettings.Kind?
        var testDescription: String {
            "\(recipe) \(precision) \(optimizer?.rawValue ?? "") \(overrides.joined(separator: " "))"
        }
    }

    static let everyChange = [
        "data.flip=0.5", "data.crop=0.2", "data.rotationDegrees=10", "data.brightness=0.2",
        "data.contrast=0.2",
        "data.saturation=0.2", "data.hueDegrees=20",
    ]

    static let cases: [Case] =
        ["dcgan", "dcgan-dense", "wgan-gp"].flatMap { recipe in
            [Precision.fp32, .bf16].map {
                Case(recipe: recipe, precision: $0, overrides: everyChange)
            }
        } + ["lsgan", "wgan", "sagan", "progan", "detail", "conditional", "r3gan"].map { Case(recipe: $0) }
        + [
            Case(overrides: ["augment.kind=diffaugment"]),
            Case(
                recipe: "sagan",
                overrides: [
                    "augment.kind=ada", "augment.startProbability=0.4", "augment.speedKimg=1",
                    "augment.corruption=1",
                    "augment.filter=1",
                ]),
            Case(
                overrides: [
                    "zeroCenteredPenalty.r1Gamma=1", "zeroCenteredPenalty.every=4", "draganPenalty.weight=1",
                ]),
            Case(overrides: ["steps.generator=2", "steps.discriminator=2"]),
            Case(overrides: ["average.halfLifeKimg=0"]),
            Case(overrides: ["schedule.kind=cosine", "schedule.endKimg=0.2", "schedule.warmUpKimg=0.05"]),
            Case(overrides: ["batchSize=24"]),
            Case(
                recipe: "wgan-gp",
                overrides: [
                    "discriminator.normalization=layer", "gradientPenalty.sides=above",
                    "gradientPenalty.drift=0.001", "steps.discriminator=2",
                ]),
        ]
        + [.adamw, .sgd, .rmsprop, .adabelief].map { Case(optimizer: $0) }

    /// The stop is between two log lines, so that sums must be saved.
    @Test(arguments: cases)
    func resumedRunEqualsUninterruptedRun(_ one: Case) throws {
        let tiny = try TinyRun()
        var recipe = try TinyRun.recipe(
            one.recipe,
            one.overrides + [
                "training.scoreKimg=0.03", "training.keepKimg=0.05", "training.previewKimg=0.07",
            ])
        if let kind = one.optimizer {
            recipe.adversarial.discriminatorOptimizer.kind = kind
            recipe.adversarial.discriminatorOptimizer.momentum = 0.9
            recipe.adversarial.discriminatorOptimizer.weightDecay = 0.01
            recipe.adversarial.discriminatorOptimizer.clipNorm = 1
            recipe.adversarial.generatorOptimizer = recipe.adversarial.discriminatorOptimizer
            // Decoding removes the settings of other kinds.
            recipe = try SettingsDocument.decode(yaml: recipe.yaml, path: "recipe")
        }
        try tiny.train("straight", recipe, steps: 14, precision: one.precision)
        try tiny.train("stopped", recipe, steps: 7, precision: one.precision)
        let run = try tiny.open("stopped", recipe, precision: one.precision)
        #expect(run.resumedAt?.steps == 7)
        if let growth = recipe.adversarial.growth(
            images: run.trainer.clock.images, resolution: recipe.resolution)
        {
            #expect(growth.side == 8 && growth.alpha > 0.3 && growth.alpha < 1, "stopped during a fade")
        }
        #expect(run.notes.isEmpty)
        try run.run(until: .init(steps: 14), output: nil, isCancelled: { false })
        try tiny.expectEqual("straight", "stopped")
        #expect(try tiny.states("straight").contains("best.safetensors"))
        #expect(try tiny.states("straight").count > 2)
    }

    @Test func runDependsOnItsSeed() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe()
        for (name, seed) in [("a", UInt64(1)), ("b", 1), ("c", 2)] {
            try tiny.open(name, recipe, seed: seed).run(
                until: .init(steps: 4), output: nil, isCancelled: { false })
        }
        try tiny.expectEqual("a", "b")
        #expect(tiny.bytes("a/checkpoints/last.safetensors") != tiny.bytes("c/checkpoints/last.safetensors"))
    }

    /// Cancelled between steps, and with several sessions of one object.
    @Test func cancelledRunEqualsUninterruptedRun() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("dcgan", ["training.scoreKimg=0.03"])
        try tiny.train("straight", recipe, steps: 9)
        var sessions = 0
        while true {
            let run = try tiny.open("stopped", recipe)
            var left = sessions % 4
            let outcome = try run.run(until: .init(steps: 9), output: nil) {
                defer { left -= 1 }
                return left == 0
            }
            sessions += 1
            if outcome == .finished { break }
            #expect(outcome == .interrupted)
            try #require(sessions < 40)
        }
        try tiny.expectEqual("straight", "stopped")

        let once = try tiny.open("once", recipe)
        for steps in [2, 5, 5, 9] {
            try once.run(until: .init(steps: steps), output: nil, isCancelled: { false })
            #expect(once.resumedAt?.steps == steps)
        }
        try tiny.expectEqual("straight", "once")
    }

    /// A folder with record, log and preview, but without a state, as after an early kill.
    @Test func runWithoutAStateStartsAgain() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe()
        try tiny.train("straight", recipe, steps: 7)
        try tiny.train("killed", recipe, steps: 5)
        try FileManager.default.removeItem(atPath: tiny.folder("killed/checkpoints/last.safetensors"))
        let record = String(decoding: tiny.bytes("killed/run.json"), as: UTF8.self)
        let early = record.split(separator: "\n").filter { !$0.contains("hasStates") }.joined(separator: "\n")
        #expect(early.utf8.count < record.utf8.count - 10)
        try tiny.place.write(early, to: "killed/run.json")
        let run = try tiny.open("killed", recipe)
        #expect(run.resumedAt == nil)
        #expect(run.notes.isEmpty)
        try run.run(until: .init(steps: 7), output: nil, isCancelled: { false })
        try tiny.expectEqual("straight", "killed")
    }

    @Test func reachedLimitTrainsNothing() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe()
        try tiny.train("run", recipe, steps: 5)
        let before = tiny.bytes("run/checkpoints/last.safetensors")
        for limit in [TrainingLimit(steps: 3), TrainingLimit(kimg: 0.001), TrainingLimit(steps: 5)] {
            let run = try tiny.open("run", recipe)
            #expect(try run.run(until: limit, output: nil, isCancelled: { false }) == .finished)
            #expect(run.trainer.clock.steps == 5)
        }
        #expect(tiny.bytes("run/checkpoints/last.safetensors") == before)
        #expect(tiny.log("run").count == 1)
    }

    @Test func limitsEndARun() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("dcgan", ["training.totalKimg=0.032"])
        let run = try tiny.open("run", recipe)
        #expect(try run.run(output: nil, isCancelled: { false }) == .finished)
        #expect(run.trainer.clock == TrainingClock(steps: 4, images: 32))
        // An explicit limit replaces the length of the recipe.
        #expect(try run.run(until: .init(steps: 6), output: nil, isCancelled: { false }) == .finished)
        #expect(run.trainer.clock.steps == 6)
        #expect(
            try run.run(until: .init(kimg: 1, minutes: 0), output: nil, isCancelled: { false }) == .outOfTime)
    }
}
