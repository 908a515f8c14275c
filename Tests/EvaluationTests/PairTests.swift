import Evaluation
import TestSupport
import Testing
import Torch

@Suite struct PairTests {
    /// Pictures of the base with uniform noise of -`levels`...`levels`.
    private func noisy(_ base: StorePictures, levels: Int) -> ChangedPictures {
        ChangedPictures(base: base, title: "noisy \(levels)") { bytes in
            bytes.enumerated().map { index, value in
                let noise = (index &* 2_654_435_761) >> 7 % (2 * levels + 1) - levels
                return UInt8(max(0, min(255, Int(value) + noise)))
            }
        }
    }

    @Test func moreNoiseIsWorseByEveryMeasure() throws {
        let place = try TemporaryFolder()
        let faces = StorePictures(try EvaluatorTests.store(place, "builtin:40", "faces32"), title: "faces")
        let measures = try PairMeasure.available(side: 32).filter { !$0.features.contains("mobilefacenet") }
        #expect(measures.prefix(4).map(\.name) == ["psnr", "psnr-y", "ssim", "ms-ssim"])
        let evaluator = PairEvaluator(measures)
        let (near, far) = (
            try evaluator(noisy(faces, levels: 4), against: faces),
            try evaluator(noisy(faces, levels: 24), against: faces)
        )
        for (a, b) in zip(near.scores, far.scores) {
            #expect(
                a.isLowerBetter == true ? a.value < b.value : a.value > b.value,
                "\(a.name): \(a.value) \(b.value)")
            #expect(a.low.map { $0 < a.value } == true && a.evaluatedCount == 40)
        }
        // Uniform noise of -4...4 levels has a variance of 20/3.
        let psnr = near.scores[0].value
        #expect(abs(psnr - 39.9) < 0.6, "\(psnr) dB")
        #expect(near.isPaired && near.neighbors.count == 24)
    }

    @Test func unevenSetsHaveNoPairs() throws {
        let place = try TemporaryFolder()
        let store = try EvaluatorTests.store(place, "builtin:40", "faces16")
        let (all, few) = (StorePictures(store, title: "all"), StorePictures(store, title: "few", limit: 30))
        #expect(throws: EvaluationError.self) { try PairEvaluator([])(all, against: few) }
    }

    @Test func equalPairsAreCounted() throws {
        let place = try TemporaryFolder()
        let faces = StorePictures(try EvaluatorTests.store(place, "builtin:10", "faces16"), title: "faces")
        let found = try PairEvaluator(try PairMeasure.available(side: 16))(faces, against: faces)
        #expect(found.scores[0].notes.contains { $0.hasPrefix("10 equal pairs") })
        #expect(abs(try #require(found.scores.first { $0.name == "ssim" }).value - 1) < 1e-6)
    }
}
