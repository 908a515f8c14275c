import Evaluation
import Foundation
import TestSupport
import Testing

/// Pages of evaluations whose texts come from strangers.
@Suite struct HostileReportTests {
    static let hostile = "<script>alert(1)</script>\" onload='x' & \u{1B}[31m \u{202E}txt.exe"

    /// Replaces every string in a JSON value, except the date and the texts of numbers.
    private static func poisoned(_ value: Any, key: String = "") -> Any {
        switch value {
        case let values as [Any]: values.map { poisoned($0) }
        case let values as [String: Any]:
            values.reduce(into: [String: Any]()) { $0[$1.key] = poisoned($1.value, key: $1.key) }
        case let text as String: key == "date" || Double(text) != nil ? text : hostile
        default: value
        }
    }

    /// No text of an evaluation reaches its page as markup.
    @Test func textIsEscaped() throws {
        let place = try TemporaryFolder()
        let faces = StorePictures(
            try EvaluatorTests.store(place, "builtin:80@1"), title: Self.hostile)
        let reference = StorePictures(
            try EvaluatorTests.store(place, "builtin:90@2"), title: Self.hostile)
        let found = try Evaluator(
            EvaluatorTests.metrics, networks: [EvaluatorTests.quarters()], cache: nil)(
                faces, against: reference)
        let object = Self.poisoned(try JSONSerialization.jsonObject(with: Data(found.json())))
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        let evaluation = try decoder.decode(
            Evaluation.self, from: JSONSerialization.data(withJSONObject: object))
        #expect(evaluation.evaluated.dataProtocol == Self.hostile)
        let page = String(
            decoding: try EvaluationReport(evaluation, evaluated: faces, reference: reference).html(),
            as: UTF8.self)
        #expect(!page.contains("<script"))
        #expect(!page.contains("\" onload"))
        #expect(!page.unicodeScalars.contains("\u{1B}") && !page.unicodeScalars.contains("\u{202E}"))
        #expect(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot; onload=&#39;x&#39; &amp; "))
        // The markup itself is not escaped.
        #expect(page.components(separatedBy: "<tr>").count > 10)
        #expect(!page.contains("&lt;td") && !page.contains("&lt;tr"))
        #expect(page.components(separatedBy: "data:image/png;base64,").count == 4)
    }
}
