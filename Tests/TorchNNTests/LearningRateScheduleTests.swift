import Testing
import TorchNN

/// Factors at 0, 1, 2 ... 40 thousand images against `torch.optim.lr_scheduler`.
@Suite struct LearningRateScheduleTests {
    static let all: [(name: String, schedule: LearningRateSchedule)] = [
        ("cosine", .init(kind: .cosine, endKimg: 40)),
        ("cosineToTenth", .init(kind: .cosine, endKimg: 40, finalFactor: 0.1)),
        ("linear", .init(kind: .linear, endKimg: 40, finalFactor: 0.25)),
        ("step", .init(kind: .step, endKimg: 8, finalFactor: 0.5)),
        ("warmUp", .init(warmUpKimg: 10)),
        ("delayedLinear", .init(kind: .linear, startKimg: 10, endKimg: 30, finalFactor: 0.5)),
    ]

    @Test(arguments: all)
    func equalsPyTorch(_ example: (name: String, schedule: LearningRateSchedule)) throws {
        let expected = try #require(goldenJSON("schedules", as: [String: [Double]].self)[example.name])
        #expect(expected.count == 41)
        for (kimg, factor) in expected.enumerated() {
            let found = example.schedule.factor(atKimg: Double(kimg))
            #expect(abs(found - factor) < 1e-12, "\(example.name) at \(kimg)")
        }
    }

    @Test func beyondTheEndNothingChanges() {
        let cosine = LearningRateSchedule(kind: .cosine, startKimg: 10, endKimg: 20, finalFactor: 0.2)
        #expect(cosine.factor(atKimg: 5) == 1)
        #expect(abs(cosine.factor(atKimg: 15) - 0.6) < 1e-12)
        #expect(abs(cosine.factor(atKimg: 1e6) - 0.2) < 1e-12)
        #expect(LearningRateSchedule().factor(atKimg: 1e6) == 1)
    }

    @Test func warmUpMultipliesTheRest() {
        let schedule = LearningRateSchedule(
            kind: .linear, warmUpKimg: 10, startKimg: 0, endKimg: 20, finalFactor: 0)
        #expect(schedule.factor(atKimg: 0) == 0)
        #expect(abs(schedule.factor(atKimg: 5) - 0.5 * 0.75) < 1e-12)
    }
}
