import Checkpoints
import Foundation
import Recipes
import Testing
import Torch
import Training

/// Every rule reports its problem once, and no rule reports a healthy run.
@Suite struct SupervisorTests {
    static let shortPatience = ["training.logSteps=2", "supervision.patienceSteps=10"]

    @Test(arguments: ["dcgan", "wgan-gp"])
    func healthyRunHasNoDiagnosis(recipe: String) throws {
        let tiny = try TinyRun()
        try tiny.train("run", TinyRun.recipe(recipe, Self.shortPatience), steps: 60)
        #expect(try tiny.diagnoses("run") == [])
        for record in try tiny.records("run", with: "lossD") {
            for key in ["accuracy", "logitGap", "gradientD", "gradientG", "diversity"] {
                #expect(record[key] is Double, "\(key) in \(record)")
            }
            #expect((record["penalty"] != nil) == (recipe == "wgan-gp"))
        }
    }

    @Test func collapseIsReportedOnce() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("dcgan", Self.shortPatience)
        try tiny.train("run", recipe, steps: 60, fault: Faults.collapse(fromStep: 21))
        #expect(try tiny.diagnoses("run") == ["collapse"])
        let record = try #require(try tiny.records("run", with: "diagnosis").first)
        #expect(record["step"] as? Int == 30)
        #expect(
            (record["message"] as? String)?.contains("generated pictures is 0.00 of that of real pictures")
                == true, "\(record)")
    }

    @Test func frozenGeneratorIsReported() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("dcgan", Self.shortPatience)
        try tiny.train("run", recipe, steps: 60, fault: Faults.saturation(fromStep: 21))
        #expect(try tiny.diagnoses("run").filter { $0 != "collapse" } == ["frozen-generator"])
    }

    /// The generator has learning rate 0.
    @Test func strongDiscriminatorIsReported() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe(
            "dcgan",
            Self.shortPatience + [
                "generatorOptimizer.learningRate=0", "discriminatorOptimizer.learningRate=0.01",
            ])
        try tiny.train("run", recipe, steps: 120)
        #expect(try tiny.diagnoses("run").contains("strong-discriminator"))
    }

    @Test func penaltySpikeIsReported() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("wgan-gp", Self.shortPatience + ["steps.discriminator=1"])
        try tiny.train("run", recipe, steps: 80, fault: Faults.steepness(atStep: 61))
        #expect(try tiny.diagnoses("run").first == "penalty-spike")
        #expect(try tiny.diagnoses("run").count { $0 == "penalty-spike" } == 1)
        #expect(try tiny.records("run", with: "diagnosis").first?["step"] as? Int == 62)
    }

    /// A problem is reported at its start and at its end, not in between.
    @Test func problemIsReportedAtStartAndEnd() throws {
        var recipe = try TinyRun.recipe()
        recipe.supervision.patienceSteps = 20
        var supervisor = Supervisor(recipe: recipe)
        func values(_ diversity: Double) -> HealthValues {
            HealthValues(
                accuracy: 0.8, logitGap: 2, discriminatorGradient: 1, generatorGradient: 1,
                diversity: diversity)
        }
        var reported: [(step: Int, isResolved: Bool)] = []
        // Healthy, collapsed for less than the patience, around the threshold, healthy, collapsed again.
        let course = [0.8, 0.8, 0.1, 0.8, 0.1, 0.15, 0.1, 0.25, 0.1, 0.25, 0.8, 0.8, 0.1, 0.1, 0.1]
        for (index, diversity) in course.enumerated() {
            let step = 10 * (index + 1)
            let clock = TrainingClock(steps: step, images: step)
            reported += supervisor.observe(values(diversity), at: clock).map { (step, $0.isResolved) }
        }
        #expect(reported.map(\.step) == [60, 110, 140])
        #expect(reported.map(\.isResolved) == [false, true, false])
    }

    /// The threshold of a penalty spike follows from the regularizers, R1 and R2 included.
    @Test func spikeThresholdDependsOnTheRegularizers() throws {
        func threshold(_ overrides: [String]) throws -> Double {
            try AdversarialTrainer(recipe: try TinyRun.recipe("dcgan", overrides), seed: 0, precision: .fp32)
                .minPenaltySpike
        }
        #expect(try threshold([]) == 1)
        #expect(try threshold(["zeroCenteredPenalty.r1Gamma=10"]) == 5)
        #expect(try threshold(["zeroCenteredPenalty.r2Gamma=30"]) == 15)
        #expect(try threshold(["gradientPenalty.weight=10", "zeroCenteredPenalty.r1Gamma=2"]) == 5)
    }

    /// A disabled supervisor reports and saves nothing.
    @Test func supervisorCanBeDisabled() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("dcgan", Self.shortPatience + ["supervision.isOn=false"])
        try tiny.train("run", recipe, steps: 60, fault: Faults.collapse(fromStep: 21))
        #expect(try tiny.diagnoses("run") == [])
        let state = try Checkpoint(path: tiny.folder("run/checkpoints/last.safetensors"))
        #expect(state.facts["supervisor"] == nil)
    }

    /// A run that is stopped during the patience reports the same problems at the same steps.
    @Test func stateIsSaved() throws {
        let tiny = try TinyRun()
        let recipe = try TinyRun.recipe("dcgan", Self.shortPatience)
        let fault = Faults.collapse(fromStep: 21, toStep: 40)
        try tiny.train("straight", recipe, steps: 60, fault: fault)
        for steps in [23, 27, 35, 43, 60] { try tiny.train("stopped", recipe, steps: steps, fault: fault) }
        try tiny.expectEqual("straight", "stopped")
        #expect(try tiny.diagnoses("straight").first == "collapse")
    }
}
