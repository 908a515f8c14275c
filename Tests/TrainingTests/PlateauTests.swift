import Checkpoints
import Foundation
import Recipes
import TestSupport
import Testing
import Training

/// The decision that a score no longer improves, on sequences of scores.
@Suite struct PlateauDecisionTests {
    /// Number of evaluations after which a plateau of `evaluations` is detected; nil for none.
    private func end(
        _ values: [Double], error: Double = 1, after evaluations: Int, isLowerBetter: Bool = true
    ) -> Int? {
        var detector = PlateauDetector()
        for (index, value) in values.enumerated() {
            detector.observe(
                RunScore(
                    name: "fd-face", label: "", value: value, error: error, isLowerBetter: isLowerBetter),
                images: index)
            if detector.isPlateau(after: evaluations) { return index + 1 }
        }
        return nil
    }

    @Test func constantScoresEndAfterTheirNumber() {
        #expect(end([9, 9, 9, 9, 9], after: 3) == 4)
        #expect(end([9, 9, 9], after: 3) == nil)
        #expect(end([], after: 1) == nil)
    }

    /// The noise of a difference of two errors of 1 is 1.414.
    @Test func improvementsWithinTheNoiseDoNotCount() {
        #expect(end([100, 98.7, 98.7, 98.7], after: 3) == 4)
        #expect(end([100, 98.5, 98.5, 98.5], after: 3) == nil)
        #expect(end([100, 98.5, 98.5, 98.5, 98.5], after: 3) == 5)
        // Without errors, every improvement counts.
        #expect(end([100, 99.9, 99.8, 99.7, 99.6], error: 0, after: 1) == nil)
    }

    /// Steps of 0.5 are within the noise, but three of them exceed it.
    @Test func slowProgressIsNoPlateau() {
        let slow = (0..<40).map { 100 - 0.5 * Double($0) }
        #expect(end(slow, after: 3) == nil)
        #expect(end(slow, after: 2) == 3)
    }

    @Test func worseScoresCountAndLaterImprovementsReset() {
        #expect(end([50, 80, 90, 40, 70, 70], after: 3) == nil)
        #expect(end([50, 80, 90, 40, 70, 70, 45], after: 3) == 7)
        #expect(end([50, 80, 90, 49.5, 70], after: 3) == 4)
    }

    @Test func higherCanBeBetter() {
        #expect(end([50, 60, 70, 80], after: 1, isLowerBetter: false) == nil)
        #expect(end([50, 60, 55, 58], after: 2, isLowerBetter: false) == 4)
    }

    @Test func undefinedScoresAreIgnored() {
        #expect(end([.nan, .nan, .infinity, -.infinity], after: 1) == nil)
        #expect(end([.nan, 50, .nan, 50, .infinity, 50], after: 2) == 6)
        #expect(end([50, -.infinity, 40, 40, 40], after: 2) == 5)
        // An undefined error is no noise.
        #expect(end([50, 49.9, 49.8], error: .nan, after: 1) == nil)
    }

    @Test func anotherMetricStartsAgain() {
        var detector = PlateauDetector()
        for _ in 0..<4 { detector.observe(.init(name: "a", label: "", value: 1, error: 0), images: 1) }
        #expect(detector.count == 3)
        detector.observe(.init(name: "b", label: "", value: 5, error: 0.5), images: 9)
        #expect(detector.count == 0)
        #expect(detector.last?.name == "b" && detector.last?.value == 5 && detector.last?.images == 9)
    }
}

/// Runs that end at a plateau, and the copy of their best state.
@Suite struct PlateauRunTests {
    private static let scored = [
        "training.scoreKimg=0.016", "generatorOptimizer.learningRate=0.1", "average.halfLifeKimg=0",
    ]

    /// End of a session. The run itself is released, which unlocks its folder.
    private struct End {
        let outcome: TrainingRun.Outcome
        let clock: TrainingClock
        let best: BestScore?
        let plateau: PlateauDetector?
    }

    private func train(_ tiny: TinyRun, _ name: String, steps: Int, plateau: Int) throws -> End {
        let run = try tiny.open(name, TinyRun.recipe("dcgan", Self.scored))
        let limit = TrainingLimit(steps: steps, plateau: plateau)
        let outcome = try run.run(until: limit, output: nil, isCancelled: { false })
        return End(outcome: outcome, clock: run.trainer.clock, best: run.best, plateau: run.plateau)
    }

    /// The run ends at the evaluation at which the scores of its log say so, with state, preview and film.
    @Test func runEndsAtThePlateau() throws {
        let tiny = try TinyRun()
        let end = try train(tiny, "run", steps: 400, plateau: 4)
        #expect(end.outcome == .plateau)
        let steps = end.clock.steps
        let scores = try tiny.records("run", with: "best")
        #expect(scores.last?["step"] as? Int == steps)
        #expect(scores.last?["sinceImprovement"] as? Int == 4)
        #expect(scores.dropLast().allSatisfy { ($0["sinceImprovement"] as? Int ?? 9) < 4 })
        let events = try tiny.records("run", with: "event")
        #expect(events.count == 1 && (events[0]["event"] as? String)?.hasPrefix("plateau: ") == true)
        let last = try Checkpoint(path: tiny.folder("run/checkpoints/last.safetensors"))
        #expect(last.clock.steps == steps)
        let previews = try FileManager.default.contentsOfDirectory(atPath: tiny.folder("run/previews"))
        #expect(previews.contains { $0.hasSuffix("0\(end.clock.images).png") }, "\(previews)")
        #expect(FileManager.default.fileExists(atPath: tiny.folder("run/film.png")))
        // Again, there is nothing to do; without the option, the run continues.
        #expect(try train(tiny, "run", steps: 400, plateau: 4).clock.steps == steps)
        #expect(try tiny.records("run", with: "event").count == 1)
        try tiny.train("run", TinyRun.recipe("dcgan", Self.scored), steps: steps + 2)
    }

    /// A run that is stopped at any time and resumed ends at the same step with the same bytes.
    @Test(arguments: [3, 6, 9])
    func stoppedRunMakesTheSameDecision(stop: Int) throws {
        let tiny = try TinyRun()
        let straight = try train(tiny, "straight", steps: 400, plateau: 4)
        #expect(straight.outcome == .plateau)
        try #require(straight.clock.steps > 9)
        #expect(try train(tiny, "stopped", steps: stop, plateau: 4).outcome == .finished)
        let resumed = try train(tiny, "stopped", steps: 400, plateau: 4)
        #expect(resumed.outcome == .plateau && resumed.plateau == straight.plateau)
        let last = "checkpoints/last.safetensors"
        #expect(tiny.bytes("stopped/" + last) == tiny.bytes("straight/" + last))
        #expect(tiny.log("stopped") == tiny.log("straight"))
    }

    /// `best` has the bytes of the state of its step, and its export those of the model of that step.
    @Test func bestCopyIsTheStateOfItsStep() throws {
        let tiny = try TinyRun()
        let end = try train(tiny, "run", steps: 400, plateau: 4)
        let best = try Checkpoint(path: tiny.folder("run/checkpoints/best.safetensors"))
        #expect(best.clock.images == end.best?.images && best.clock.steps < end.clock.steps)
        try tiny.train("short", TinyRun.recipe("dcgan", Self.scored), steps: best.clock.steps)
        let state = tiny.bytes("run/checkpoints/best.safetensors")
        #expect(!state.isEmpty && state == tiny.bytes("short/checkpoints/last.safetensors"))
        try ModelExport.checkpoint(of: tiny.folder("run"), state: .best).write(to: tiny.folder("a"))
        try ModelExport.checkpoint(of: tiny.folder("short")).write(to: tiny.folder("b"))
        #expect(!tiny.bytes("a").isEmpty && tiny.bytes("a") == tiny.bytes("b"))
        #expect(try Checkpoint(path: tiny.folder("a"), sections: []).facts["plateau"] == nil)
    }

    @Test func runWithoutScoresIsRefused() throws {
        let tiny = try TinyRun()
        let run = try tiny.open("run", TinyRun.recipe())
        let error = #expect(throws: TrainingError.self) {
            try run.run(until: .init(steps: 4, plateau: 2), output: nil, isCancelled: { false })
        }
        #expect("\(error!)".contains("training.scoreKimg"), "\(error!)")
    }

    /// The message names the best score and its use. The number of evaluations is optional.
    @Test func commandReportsThePlateau() throws {
        let tiny = try TinyRun()
        let settings = Self.scored + ["training.metrics=swd"]
        for options in [["--until-plateau", "--steps", "400"], ["--steps", "400", "--until-plateau", "5"]] {
            let result = try TrainProcess(tiny: tiny, name: "run", options: options, settings: settings).run()
            #expect(result.status == 0, "\(result.errors)")
            for part in [
                "Plateau: the score has not improved by more than its noise in 5 evaluations",
                "Best score: slicedWasserstein", "--best",
            ] { #expect(result.errors.contains(part), "\(part) is not in: \(result.errors)") }
        }
        let wrong = try TrainProcess(tiny: tiny, name: "other", options: ["--until-plateau", "0"]).run()
        #expect(wrong.status != 0 && wrong.errors.contains("--until-plateau: expected 1 to"))
        let unscored = try TrainProcess(tiny: tiny, name: "third", options: ["--until-plateau"]).run()
        #expect(unscored.status != 0 && unscored.errors.contains("training.scoreKimg"), "\(unscored.errors)")
        #expect(!FileManager.default.fileExists(atPath: tiny.folder("third")))
    }
}
