import Evaluation
import Testing

@Suite struct MetricTests {
    static let networks = ["face", "inception"]

    @Test(arguments: ["fid", "kid", "is", "swd", "attributes", "fd-face", "pr-inception", "nearest-face"])
    func namesReadBack(name: String) throws {
        #expect("\(try Metric.parse(name, networks: Self.networks))" == name)
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
