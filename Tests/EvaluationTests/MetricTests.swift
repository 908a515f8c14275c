import Evaluation
import Testing

@Suite struct MetricTests {
    static let networks = ["face", "inception"]

    @Test(arguments: ["fid", "kid", "is", "swd", "attributes", "fd-face", "pr-inception", "nearest-face"])
    func namesReadBack(name: String) throws {
        #expect("\(try Metric.parse(name, networks: Self.networks))" == name)
    }

    /// The smallest input of each metric, and the reason below it.
    @Test(arguments: [
        ("fd-face", 2, 2, 1), ("kid", 4, 4, 1), ("pr-face", 6, 6, 1), ("dc-face", 6, 6, 1),
        ("diversity-face", 2, 1, 1), ("nearest-face", 1, 2, 1), ("is", 10, 1, 1), ("swd", 2, 2, 8),
        ("attributes", 1, 1, 1), ("accuracy", 1, 1, 1),
    ])
    func fewPicturesAreAnObstacle(name: String, evaluated: Int, reference: Int, side: Int) throws {
        let metric = try Metric.parse(name, networks: Self.networks)
        #expect(metric.obstacle(evaluated: evaluated, reference: reference, side: side) == nil)
        let few = metric.obstacle(evaluated: evaluated - 1, reference: reference, side: side)
        #expect(few?.contains("\(evaluated) or more evaluated pictures, got \(evaluated - 1)") == true)
        if metric.needsReference {
            let none = metric.obstacle(evaluated: evaluated, reference: reference - 1, side: side)
            #expect(none?.contains("\(reference) or more reference pictures") == true)
        }
        if side > 1 {
            #expect(metric.obstacle(evaluated: 99, reference: 99, side: side - 1)?.contains("pixels") == true)
        }
    }

    @Test func oneMeasureHasOneName() throws {
        let metric = try Metric.parse("fd-inception", networks: Self.networks)
        #expect(metric == (try Metric.parse("fid", networks: Self.networks)) && "\(metric)" == "fid")
    }

    @Test(arguments: ["fd-fce", "fdface", "ssim", "swd-face", "fd-", ""])
    func unknownNamesAreRefused(name: String) throws {
        let error = #expect(throws: EvaluationError.self) { try Metric.parse(name, networks: Self.networks) }
        #expect("\(try #require(error))".contains("fd-face"))
    }
}
