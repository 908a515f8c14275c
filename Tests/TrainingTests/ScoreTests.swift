import Checkpoints
import Evaluation
import Testing
import Training

/// What a run is judged by, and what happens when a measure cannot be had.
@Suite struct ScoreTests {
    private func lines(_ tiny: TinyRun, _ metrics: String) throws -> [String] {
        let recipe = try TinyRun.recipe(
            "dcgan", ["training.scoreKimg=0.016", "training.scoreCount=32", "training.metrics=\(metrics)"])
        try tiny.train(metrics, recipe, steps: 4)
        return tiny.log(metrics).filter { $0.contains("\"best\"") }
    }

    @Test func theFirstMeasureDecides() throws {
        let tiny = try TinyRun()
        let lines = try lines(tiny, "fd-face,swd")
        #expect(lines.count == 2)
        #expect(lines.allSatisfy { $0.contains("\"fd-face\"") && $0.contains("\"slicedWasserstein\"") })
        let state = try Checkpoint(path: tiny.folder("fd-face,swd/checkpoints/best.safetensors"))
        #expect(state.facts["bestScore"]?.hasPrefix("fd-face ") == true)
    }

    /// A measure whose weights are not here is left out before the first step; the others go on.
    @Test(.enabled(if: !FeatureExtractors.isHere("alexnet")))
    func missingWeightsAreSaidBeforeAStep() throws {
        let tiny = try TinyRun()
        let lines = try lines(tiny, "fd-alexnet,swd")
        #expect(lines.count == 2 && lines.allSatisfy { $0.contains("slicedWasserstein") })
        #expect(!lines.contains { $0.contains("fd-alexnet") })
        let run = try tiny.open(
            "notes", TinyRun.recipe("dcgan", ["training.scoreKimg=1", "training.metrics=fd-alexnet"]))
        let notes = try run.trainer.monitor(of: tiny.store, subset: nil).notes
        #expect(notes.count == 1 && notes[0].contains("facegan weights"), "\(notes)")
    }

    @Test func unknownMeasuresAreRefusedBeforeAStep() throws {
        let tiny = try TinyRun()
        #expect(throws: (any Error).self) { try lines(tiny, "fd-fase") }
        #expect(tiny.lineCount("fd-fase") == 0)
    }

    @Test func scoresSayWhichWayIsUp() {
        let low = RunScore(name: "a", label: "a", value: 1, error: 0)
        let high = RunScore(name: "b", label: "b", value: 1, error: 0, isLowerBetter: false)
        #expect(low.isBetter(than: 2) && !low.isBetter(than: 0.5) && low.isBetter(than: nil))
        #expect(!high.isBetter(than: 2) && high.isBetter(than: 0.5))
    }
}
