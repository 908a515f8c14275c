import Datasets
import Files
import Foundation
import TestSupport
import Testing

/// Tables of labels as spreadsheets, pandas and other programs write them.
struct LabelDialectTests {
    static let names = (1...4).map { "00000\($0).jpg" }
    static let values: [Int8] = [1, -1, -1, -1, 1, 1, 1, 1, -1, -1, -1, 1]

    /// A table with the columns Male, Hat and Young.
    private static func table(
        comma: String = ",", line: String = "\n", title: String? = "image_id", quote: String = "",
        index: Bool = false,
        name: (String) -> String = { $0 }, number: (Int8) -> String = { String($0) }
    ) -> String {
        func quoted(_ fields: [String]) -> String {
            fields.map { quote + $0 + quote }.joined(separator: comma)
        }
        let head = (index ? [""] : []) + (title.map { [$0] } ?? []) + ["Male", "Hat", "Young"]
        let rows = names.enumerated().map { row, picture in
            quoted(
                (index ? [String(row)] : []) + [name(picture)] + values[(row * 3)..<(row * 3 + 3)].map(number)
            )
        }
        return ([quoted(head)] + rows).map { $0 + line }.joined()
    }

    private static func utf16(_ text: String, isLittle: Bool) -> [UInt8] {
        (isLittle ? [0xFF, 0xFE] : [0xFE, 0xFF])
            + text.utf16.flatMap { unit in
                let bytes = [UInt8(unit & 255), UInt8(unit >> 8)]
                return isLittle ? bytes : bytes.reversed()
            }
    }

    static let dialects: [(String, [UInt8])] = [
        ("original", Array(("4\n" + table(comma: "  ", title: nil)).utf8)),
        ("CRLF", Array(("4\r\n" + table(comma: " ", line: "\r\n", title: nil)).utf8)),
        ("CR", Array(table(line: "\r").utf8)),
        ("commas", Array(table().utf8)),
        ("byte order mark and quotes", [0xEF, 0xBB, 0xBF] + Array(table(quote: "\"").utf8)),
        ("UTF-16, little-endian", utf16(table(comma: "\t"), isLittle: true)),
        ("UTF-16, big-endian", utf16(table(comma: ";", line: "\r\n"), isLittle: false)),
        ("semicolons, quotes, CRLF", Array(table(comma: ";", line: "\r\n", quote: "\"").utf8)),
        ("separator in the first line", Array(("sep=;\r\n" + table(comma: ";", line: "\r\n")).utf8)),
        ("tabs", Array(table(comma: "\t").utf8)),
        ("bars", Array(table(comma: "|").utf8)),
        ("commas and spaces", Array(table(comma: ", ").utf8)),
        ("index of pandas", Array(table(index: true).utf8)),
        ("index and quotes", Array(table(comma: ";", quote: "\"", index: true).utf8)),
        (
            "index and names without extension",
            Array(table(index: true, name: { String($0.dropLast(4)) }).utf8)
        ),
        ("numbers with a point", Array(table(number: { "\($0).0" }).utf8)),
        ("numbers with a comma", Array(table(comma: ";", number: { "\($0),0" }).utf8)),
        ("numbers with a sign", Array(table(number: { $0 > 0 ? "+1" : "-1" }).utf8)),
        ("numbers with an exponent", Array(table(number: { "\($0).0e+00" }).utf8)),
        ("zero and one", Array(table(number: { $0 > 0 ? "1" : "0" }).utf8)),
        ("true and false", Array(table(number: { $0 > 0 ? "True" : "False" }).utf8)),
        ("another title", Array(table(title: "file.name").utf8)),
        ("a title with spaces", Array(table(title: "file name").utf8)),
        ("an empty title", Array(table(title: "").utf8)),
        ("paths", Array(table(name: { "img_align_celeba/" + $0 }).utf8)),
        ("paths of Windows", Array(table(name: { "C:\\faces\\" + $0 }).utf8)),
        ("other extensions", Array(table(name: { $0.replacing("jpg", with: "png") }).utf8)),
        ("empty fields at the end", Array(table(line: ",,\n").utf8)),
        ("empty lines", Array(table(line: "\n\n").utf8)),
        ("no line end at the end", Array(table().utf8.dropLast())),
    ]

    @Test(arguments: dialects)
    func dialect(name: String, bytes: [UInt8]) throws {
        let folder = try TemporaryFolder()
        try folder.write(bytes, to: "list_attr_celeba.csv")
        for picture in Self.names { try folder.write(Fixtures.png(1), to: "img_align_celeba/" + picture) }
        let source = try SourceOpener.open(folder.path)
        #expect(source.labels.attributeNames == ["Male", "Hat", "Young"], "\(name)")
        #expect(source.labels.attributes == Self.values, "\(name)")
        #expect(source.labelIssues.isEmpty, "\(name)")
    }

    @Test func quotedFieldsContainSeparatorsAndLineEnds() throws {
        let folder = try TemporaryFolder()
        try folder.write(
            "\"the \"\"name\"\"\",\"Big, red\nnose\"\r\n\"a, \"\"b\"\".png\",1\r\n\"c\nd.png\",-1\r\n",
            to: "list_attr_celeba.csv")
        try folder.write(Fixtures.png(1), to: "a, \"b\".png")
        let source = try SourceOpener.open(folder.path)
        #expect(source.labels.attributeNames == ["Big, red nose"])
        #expect(source.labels.attributes == [1])
        #expect(source.labelIssues.map(\.kind) == [.missingPicture])
    }

    @Test func malformedRowsAreListedWithLineReasonAndText() throws {
        let folder = try TemporaryFolder()
        try folder.write(
            "image_id,A,B\n1.jpg,1,-1\n2.jpg,1\n3.jpg,1,x\n4.jpg,1,1,1\n\"\",1,1\n6.jpg,1,0.5\n7.jpg,,1\n8.jpg,nan,1\n",
            to: "list_attr_celeba.csv")
        for i in 1...8 { try folder.write(Fixtures.png(i), to: "\(i).jpg") }
        let source = try SourceOpener.open(folder.path)
        let rows = source.labelIssues.filter { $0.kind == .malformedRow }.map(\.detail)
        #expect(
            rows == [
                "line 3: expected 2 values, got 1: '2.jpg,1'",
                "line 4: the value 'x' of B is not an integer: '3.jpg,1,x'",
                "line 5: expected 2 values, got 3: '4.jpg,1,1,1'",
                "line 6: the name of the picture is missing: '\",1,1'",
                "line 7: the value '0.5' of B is not an integer: '6.jpg,1,0.5'",
                "line 8: the value '' of A is not an integer: '7.jpg,,1'",
                "line 9: the value 'nan' of A is not an integer: '8.jpg,nan,1'",
            ])
        let report = try SourceDoctor.examine(source)
        #expect(report.labels.malformed == 7)
        #expect(!report.isHealthy)
        #expect(report.labels.issues.first?.contains("line 3") == true)
    }

    @Test func namesWithFoldersAreMatchedByFolder() throws {
        let folder = try TemporaryFolder()
        try folder.write("name,A\na/1.jpg,1\nb/1.jpg,-1\n2.jpg,1\n", to: "list_attr_celeba.csv")
        for name in ["a/1.jpg", "b/1.jpg", "c/1.jpg", "c/2.jpg"] {
            try folder.write(Fixtures.png(1), to: name)
        }
        let source = try SourceOpener.open(folder.path)
        #expect(source.labels.attributes == [1, -1, 0, 1])
        #expect(source.labelIssues.map(\.subject) == ["c/1.jpg"])
    }

    @Test func splitsWithTooManyColumnsAreRejected() throws {
        let folder = try Fixtures.folder(2)
        try folder.write("0000.png 0 1\n0001.png 1 1\n", to: "list_eval_partition.txt")
        let error = #expect(throws: DataError.self) { try SourceOpener.open(folder.path) }
        #expect(error?.description.contains("expected 1 value per row, got 2") == true)
    }

    /// Spellings of `00000/0.png` and so on.
    @Test(arguments: ["", "./", "/home/user/faces/", "D:\\faces\\00000\\", "C:/x/"], [true, false])
    func namesInDatasetJSON(beginning: String, hasFolder: Bool) throws {
        func spelling(_ file: String) -> String {
            if beginning.contains("\\") { return beginning + file.dropFirst(6) }
            return hasFolder ? beginning + file : String(file.dropFirst(6))
        }
        let files = try (0..<3).map { (name: "00000/\($0).png", bytes: try Fixtures.png($0)) }
        let rows = files.indices.map { [spelling(files[$0].name), 2 - $0] as [Any] }
        let json = Array(try JSONSerialization.data(withJSONObject: ["labels": rows]))
        let folder = try TemporaryFolder()
        for (prefix, place) in [("", "top.zip"), ("faces/", "sub.zip")] {
            let all =
                files.map { (name: prefix + $0.name, bytes: $0.bytes) } + [(prefix + "dataset.json", json)]
            let source = try SourceOpener.open(folder.write(Fixtures.zip(all), to: place))
            #expect(source.labels.classes == [2, 1, 0], "\(beginning)")
            #expect(source.labelIssues.isEmpty, "\(beginning)")
        }
    }

    @Test func malformedEntriesOfDatasetJSONAreListed() throws {
        let folder = try Fixtures.folder(2)
        try folder.write(
            #"{"labels": [["0000.png", 1.0], ["0001.png", 1.5], ["x.png", "two"], 7, ["y.png", -7], ["z.png", [1]]]}"#,
            to: "dataset.json")
        let source = try SourceOpener.open(folder.path)
        #expect(source.labels.classes == [1, -1])
        #expect(source.labelIssues.filter { $0.kind == .malformedRow }.count == 5)
        #expect(
            source.labelIssues.first?.detail == "entry 1: the class is not an integer of 0 or more: '1.5'")
    }
}
