import Checkpoints
import Foundation
import Recipes
import Testing
import Torch
import Training

/// Each rule speaks when its fault is there, once, and none speaks of a run that is well.
@Suite struct SupervisorTests {
    static let watchful = ["training.logSteps=2", "supervision.patienceSteps=10"]

    @Test(arguments: ["dcgan", "wgan-gp"])
    func aHealthyRunHearsNothing(recipe: String) throws {
        let tiny = try TinyRun()
        try tiny.train("run", TinyRun.recipe(recipe, Self.watchful), steps: 60)
        #expect(try tiny.verdicts("run") == [])
        for record in try tiny.records("run", with: "lossD") {
            for key in ["accuracy", "logitGap", "gradientD", "gradientG", "diversity"] {
                #expect(record[key] is Double, "\(key) in \(record)")
            }
            #expect((record["penalty"] != nil) == (recipe == "wgan-gp"))
        }
    }

    @Test func aCollapseIsSaidOnce() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("dcgan", Self.watchful)
        try tiny.train("run", recipe, steps: 60, fault: Faults.collapse(fromStep: 21))
        #expect(try tiny.verdicts("run") == ["collapse"])
        let record = try #require(try tiny.records("run", with: "verdict").first)
        #expect(record["step"] as? Int == 30)
        #expect((record["says"] as? String)?.contains("0.00 times as much") == true, "\(record)")
    }

    @Test func aFrozenGeneratorIsNoticed() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("dcgan", Self.watchful)
        try tiny.train("run", recipe, steps: 60, fault: Faults.saturation(fromStep: 21))
        #expect(try tiny.verdicts("run").filter { $0 != "collapse" } == ["frozen-generator"])
    }

    /// A generator that may not learn, against a discriminator that may.
    @Test func aDiscriminatorThatHasWonIsNoticed() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe(
            "dcgan",
            Self.watchful + [
                "generatorOptimizer.learningRate=0", "discriminatorOptimizer.learningRate=0.01",
            ])
        try tiny.train("run", recipe, steps: 120)
        #expect(try tiny.verdicts("run").contains("strong-discriminator"))
    }

    @Test func aPenaltyThatJumpsIsNoticed() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("wgan-gp", Self.watchful + ["steps.discriminator=1"])
        try tiny.train("run", recipe, steps: 80, fault: Faults.steepness(atStep: 61))
        #expect(try tiny.verdicts("run").first == "penalty-spike")
        #expect(try tiny.verdicts("run").count { $0 == "penalty-spike" } == 1)
        #expect(try tiny.records("run", with: "verdict").first?["step"] as? Int == 62)
    }

    /// What a rule looks for comes and goes: one word at its beginning, one at its end, silence in between.
    @Test func anEpisodeIsOneEpisode() throws {
        var recipe = try TinyRun.recipe()
        recipe.supervision.patienceSteps = 20
        var supervisor = Supervisor(recipe: recipe)
        func values(_ diversity: Double) -> HealthValues {
            HealthValues(
                accuracy: 0.8, logitGap: 2, discriminatorGradient: 1, generatorGradient: 1,
                diversity: diversity)
        }
        var said: [(step: Int, isOver: Bool)] = []
        // Well, alike for too short, around the threshold, well, alike again.
        let course = [0.8, 0.8, 0.1, 0.8, 0.1, 0.15, 0.1, 0.25, 0.1, 0.25, 0.8, 0.8, 0.1, 0.1, 0.1]
        for (index, diversity) in course.enumerated() {
            let step = 10 * (index + 1)
            let clock = TrainingClock(steps: step, images: step)
            said += supervisor.observe(values(diversity), at: clock).map { (step, $0.isOver) }
        }
        #expect(said.map(\.step) == [60, 110, 140])
        #expect(said.map(\.isOver) == [false, true, false])
    }

    /// The threshold of a penalty spike follows from the regularizers, R1 and R2 included.
    @Test func spikesHaveTheThresholdOfTheirRegularizer() throws {
        func threshold(_ overrides: [String]) throws -> Double {
            try AdversarialTrainer(recipe: try TinyRun.recipe("dcgan", overrides), seed: 0, precision: .fp32)
                .minPenaltySpike
        }
        #expect(try threshold([]) == 1)
        #expect(try threshold(["zeroCenteredPenalty.r1Gamma=10"]) == 5)
        #expect(try threshold(["zeroCenteredPenalty.r2Gamma=30"]) == 15)
        #expect(try threshold(["gradientPenalty.weight=10", "zeroCenteredPenalty.r1Gamma=2"]) == 5)
    }

    /// A supervisor that is switched off says nothing and keeps nothing.
    @Test func itCanBeSwitchedOff() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("dcgan", Self.watchful + ["supervision.isOn=false"])
        try tiny.train("run", recipe, steps: 60, fault: Faults.collapse(fromStep: 21))
        #expect(try tiny.verdicts("run") == [])
        let state = try Checkpoint(path: tiny.folder("run/checkpoints/last.safetensors"))
        #expect(state.facts["supervisor"] == nil)
    }

    /// Stopped in the middle of an episode's patience, it says the same at the same step.
    @Test func itsMemoryIsSaved() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("dcgan", Self.watchful)
        let fault = Faults.collapse(fromStep: 21, toStep: 40)
        try tiny.train("straight", recipe, steps: 60, fault: fault)
        for steps in [23, 27, 35, 43, 60] { try tiny.train("stopped", recipe, steps: steps, fault: fault) }
        try tiny.expectEqual("straight", "stopped")
        #expect(try tiny.verdicts("straight").first == "collapse")
    }
}
