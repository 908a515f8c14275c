import Datasets
import Foundation
import Imaging
import TestSupport
import Testing

struct LabelTests {
    private func celebA(
        attributes: String, partition: String? = nil, identity: String? = nil, pictures: [String]
    )
        throws -> (any PictureSource, TemporaryFolder)
    {
        let folder = try TemporaryFolder()
        try folder.write(attributes, to: "Anno/list_attr_celeba.txt")
        if let partition { try folder.write(partition, to: "Eval/list_eval_partition.txt") }
        if let identity { try folder.write(identity, to: "Anno/identity_CelebA.txt") }
        for name in pictures { try folder.write(Fixtures.png(1), to: "Img/img_align_celeba/" + name) }
        return (try SourceOpener.open(folder.path), folder)
    }

    @Test func readsTheLayoutOfCelebA() throws {
        let (source, folder) = try celebA(
            attributes:
                "3\nMale  Smiling Young \n000001.jpg -1  1  1\n000002.jpg  1 -1 -1\n000003.jpg  1  1 -1\n",
            partition: "000001.jpg 0\r\n000002.jpg 1\r\n000003.jpg 2\r\n",
            identity: "000001.jpg 77\n000002.jpg 5\n000003.jpg 77\n",
            pictures: ["000003.jpg", "000001.jpg", "000002.jpg"])
        defer { _ = folder }
        #expect(source.kind == .celebA)
        #expect(source.names == (1...3).map { "Img/img_align_celeba/00000\($0).jpg" })
        #expect(source.skipped.isEmpty)
        #expect(source.labels.attributeNames == ["Male", "Smiling", "Young"])
        #expect(source.labels.attributes == [-1, 1, 1, 1, -1, -1, 1, 1, -1])
        #expect(source.labels.splits == [0, 1, 2])
        #expect(source.labels.identities == [77, 5, 77])
        #expect(source.labels.identityCount == 2)
        #expect(source.labels.attribute("Smiling", of: 1) == -1)
        #expect(source.labels.attribute("Hat", of: 1) == nil)
        #expect(source.labelIssues.isEmpty)
    }

    @Test func readsTheCSVEditionAndOtherExtensions() throws {
        let folder = try TemporaryFolder()
        try folder.write(
            "image_id,Male,Young\n000001.jpg,-1,1\n000002.jpg,1,-1\n", to: "list_attr_celeba.csv")
        try folder.write("image_id,partition\n000001.jpg,0\n000002.jpg,2\n", to: "list_eval_partition.csv")
        try folder.write(Fixtures.png(1), to: "img_align_celeba/img_align_celeba/000001.png")
        try folder.write(Fixtures.png(2), to: "img_align_celeba/img_align_celeba/000002.png")
        let labels = try SourceOpener.open(folder.path).labels
        #expect(labels.attributeNames == ["Male", "Young"])
        #expect(labels.attributes == [-1, 1, 1, -1])
        #expect(labels.splits == [0, 2])
    }

    @Test func listsEveryIssue() throws {
        let (source, folder) = try celebA(
            attributes: """
                9
                Male Young
                000001.jpg -1 1
                000001.jpg 1 1
                000002.jpg 1
                000003.jpg 1 x
                000004.jpg 1 7
                000009.jpg 1 1
                """,
            pictures: ["000001.jpg", "000002.jpg", "000003.jpg", "000004.jpg", "000005.jpg"])
        defer { _ = folder }
        let issues = source.labelIssues
        func subjects(_ kind: LabelIssue.Kind) -> [String] {
            issues.filter { $0.kind == kind }.map { String($0.subject.suffix(10)) }
        }
        #expect(subjects(.countMismatch) == ["line 1"])
        #expect(subjects(.duplicateRow) == ["000001.jpg"])
        #expect(subjects(.malformedRow) == ["000002.jpg", "000003.jpg", "000004.jpg"])
        #expect(subjects(.missingRow) == ["000002.jpg", "000003.jpg", "000005.jpg"])
        #expect(subjects(.missingPicture) == ["000009.jpg"])
        #expect(source.labels.attributes == [1, 1, 0, 0, 0, 0, 1, 0, 0, 0])
    }

    @Test func datasetJSONInAZip() throws {
        let source = try SourceOpener.open(goldens("Datasets/labelled.zip"))
        #expect(source.kind == .labeled)
        #expect(source.names == (0..<3).map { "00000/img0000000\($0).png" })
        #expect(source.labels.classes == [4, -1, 1])
        #expect(source.labelIssues.map(\.kind) == [.missingRow, .missingPicture])
        #expect(try source.picture(at: 0).pixels.allSatisfy { $0 == 100 })
        #expect(try source.picture(at: 2).pixels.allSatisfy { $0 == 50 })
    }

    @Test func datasetJSONInAFolder() throws {
        let folder = try Fixtures.folder(2)
        try folder.write(#"{"labels": [["0000.png", [1, 0.5]], ["0001.png", [0, -2]]]}"#, to: "dataset.json")
        let labels = try SourceOpener.open(folder.path).labels
        #expect(labels.vectorWidth == 2)
        #expect(labels.vectors == [1, 0.5, 0, -2])
        try folder.write(#"{"labels": null}"#, to: "dataset.json")
        #expect(try SourceOpener.open(folder.path).labels.isEmpty)
        try folder.write(#"{"labels": 3}"#, to: "dataset.json")
        #expect(throws: DataError.self) { try SourceOpener.open(folder.path) }
        try folder.write("<html>", to: "dataset.json")
        #expect(throws: DataError.self) { try SourceOpener.open(folder.path) }
    }

    @Test func foldersOfLFWArePersons() throws {
        let source = try SourceOpener.open(goldens("Datasets/lfw.tgz"))
        #expect(source.kind == .lfw)
        #expect(source.labels.identityNames == ["Al_Abel", "Zoe_Zed"])
        #expect(source.labels.identities == [0, 0, 1])
        #expect(try source.kind.suggestedProtocol(size: 128).name == "lfw128-160")
    }

    @Test func rowsCanBeSelected() {
        var labels = Labels(count: 3)
        labels.attributeNames = ["A", "B"]
        labels.attributes = [1, 2, 3, 4, 5, 6]
        labels.splits = [0, 1, 2]
        let rows = labels.rows([2, 0])
        #expect(rows.attributes == [5, 6, 1, 2])
        #expect(rows.splits == [2, 0])
        #expect(rows.identities.isEmpty)
        #expect(rows.split(of: 0) == .test)
    }
}
