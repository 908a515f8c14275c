import Foundation
import Settings
import TestSupport
import Testing

@Suite struct ScheduledTests {
    static let all: [(name: String, schedule: Scheduled<Double>)] = [
        ("cosine", Scheduled(.cosine, from: 1, to: 0, endKimg: 40)),
        ("cosineToTenth", Scheduled(.cosine, from: 1, to: 0.1, endKimg: 40)),
        ("linear", Scheduled(.linear, from: 1, to: 0.25, endKimg: 40)),
        ("step", Scheduled(.step, from: 1, to: 0.5, endKimg: 8)),
        ("warmUp", Scheduled(.constant, from: 1, to: 1, endKimg: 0, warmUpKimg: 10)),
        ("delayedLinear", Scheduled(.linear, from: 1, to: 0.5, startKimg: 10, endKimg: 30)),
    ]

    /// Factors at 0, 1, 2 ... 40 thousand images from torch.optim.lr_scheduler.
    @Test(arguments: all)
    func equalsPyTorch(_ example: (name: String, schedule: Scheduled<Double>)) throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: goldens("TorchNN/schedules.json")))
        let expected = try #require(
            JSONDecoder().decode([String: [Double]].self, from: data)[example.name])
        #expect(expected.count == 41)
        for (kimg, factor) in expected.enumerated() {
            let found = example.schedule.value(atKimg: Double(kimg))
            #expect(abs(found - factor) < 1e-12, "\(example.name) at \(kimg)")
        }
    }

    @Test func constantBeyondTheEnds() {
        let cosine = Scheduled(.cosine, from: 1, to: 0.2, startKimg: 10, endKimg: 20)
        #expect(cosine.value(atKimg: 5) == 1)
        #expect(abs(cosine.value(atKimg: 15) - 0.6) < 1e-12)
        #expect(abs(cosine.value(atKimg: 1e6) - 0.2) < 1e-12)
        #expect(Scheduled(3.0).value(atKimg: 1e6) == 3 && Scheduled(3.0).isConstant)
    }

    @Test func warmUpMultipliesTheRest() {
        let schedule = Scheduled(.linear, from: 1.0, to: 0, endKimg: 20, warmUpKimg: 10)
        #expect(schedule.value(atKimg: 0) == 0)
        #expect(abs(schedule.value(atKimg: 5) - 0.5 * 0.75) < 1e-12)
    }

    // MARK: In documents

    private struct Group: SettingsGroup, Equatable {
        var gamma = Scheduled(1.0)

        mutating func fields(_ v: inout some FieldVisitor) throws {
            try v.scheduled("gamma", &gamma, in: 0...100, "Weight.")
        }

        static var renamedKeys: [String: String] { ["weight": "gamma"] }
    }

    private func read(_ yaml: String, _ overrides: [String] = []) throws -> Group {
        try SettingsDocument.decode(yaml: yaml, path: "r.yaml", overrides: overrides)
    }

    @Test func aScheduleIsANumberOrAGroup() throws {
        #expect(try read("gamma: 3").gamma == Scheduled(3))
        let group = try read("gamma: {from: 10, to: 1, endKimg: 500}")
        #expect(group.gamma == Scheduled(.linear, from: 10, to: 1, endKimg: 500))
        #expect(
            try read("{}", ["gamma.kind=cosine", "gamma.from=2", "gamma.to=1", "gamma.endKimg=5"]).gamma.kind
                == .cosine)
        // Encoded values are decoded again.
        #expect(try read(SettingsDocument.encode(group)) == group)
        #expect(SettingsDocument.encode(try read("gamma: 3")) == "gamma: 3.0\n")
        #expect(try SettingsDocument.reference(Group.self).map(\.type) == ["number or schedule"])
    }

    @Test(arguments: [
        ("gamma: -1", "`gamma`: expected a number in 0...100, received `-1`"),
        ("gamma: {from: 500, endKimg: 5}", "`gamma.from`: expected a number in 0...100, received `500`"),
        ("gamma: {from: 5, to: 1}", "`gamma.endKimg`: expected more than startKimg"),
        ("weight: 3", "`weight`: this setting is now called `gamma`"),
    ])
    func mistakesAreReported(yaml: String, message: String) {
        let error = #expect(throws: SettingsError.self) { try read(yaml) }
        #expect("\(error!)".contains(message), "\(error!)")
    }
}
