import Datasets
import Files
import Foundation
import TestSupport
import Testing

/// Matching of label rows and pictures whose names agree in part only.
struct LabelMatchingTests {
    private func open(_ table: String, _ pictures: [String]) throws -> (any PictureSource, TemporaryFolder) {
        let folder = try TemporaryFolder()
        try folder.write(table, to: "list_attr_celeba.csv")
        for name in pictures { try folder.write(Fixtures.png(1), to: name) }
        return (try SourceOpener.open(folder.path), folder)
    }

    @Test func storesOfUnusualTablesCanBeOpened() throws {
        let folder = try TemporaryFolder()
        for i in 1...3 { try folder.write(Fixtures.jpeg(i), to: "in/00000\(i).jpg") }
        try folder.write(
            "image_id,Male,,Young,Male\n" + (1...3).map { "00000\($0).jpg,1,-1,1,-1\n" }.joined(),
            to: "in/list_attr_celeba.csv")
        try folder.write(
            "000001.jpg 1 2 3 4 5 6 7 8 9 10\n000002.jpg 2000000 2 3 4 5 6 7 8 9 10\n"
                + "000003.jpg 1e39 2 3 4 5 6 7 8 9 10\n",
            to: "in/list_landmarks_align_celeba.txt")
        let source = try SourceOpener.open(folder.file("in"))
        #expect(
            source.labelIssues.filter { $0.kind == .malformedRow }.map { String($0.subject.suffix(10)) }
                == ["000003.jpg", "000002.jpg"])
        let path = folder.file("a.faces")
        _ = try StorePreparation.prepare(source: source, protocol: .parse("celeba32-178"), to: path)
        let labels = try FaceStore(path: path).labels
        #expect(labels.attributeNames == ["Male", "column 3", "Young", "Male (2)"])
        #expect(labels.attributes == (1...3).flatMap { _ in [1, -1, 1, -1] as [Int8] })
        #expect(labels.landmarks[..<10].allSatisfy { $0.isFinite })
        #expect(labels.landmarks[10].isNaN && labels.landmarks[12].isFinite)
        #expect(labels.landmarks[20...].allSatisfy { $0.isNaN })
    }

    @Test func rowsWithFoldersDescribeOnePicture() throws {
        let (source, folder) = try open(
            "name,A\na/1.jpg,1\nx/3.jpg,1\nq/4.jpg,1\na/5.jpg,1\n",
            ["a/1.jpg", "a/4.jpg", "a/5.jpg", "b/1.jpg", "b/4.jpg", "c/3.jpg", "t/a/5.jpg"])
        defer { _ = folder }
        #expect(source.labels.attributes == [1, 0, 1, 0, 0, 1, 0])
        func subjects(_ kind: LabelIssue.Kind) -> [String] {
            source.labelIssues.filter { $0.kind == kind }.map(\.subject)
        }
        #expect(subjects(.missingRow) == ["a/4.jpg", "b/1.jpg", "b/4.jpg", "t/a/5.jpg"])
        #expect(subjects(.missingPicture) == ["q/4.jpg"])
        #expect(subjects(.sharedRow).isEmpty)
    }

    @Test func rowsOfSeveralPicturesAreListed() throws {
        let (source, folder) = try open(
            "name,A\n1.jpg,1\n2.jpg,-1\n3.jpg,1\n", ["a/1.jpg", "a/2.jpg", "b/2.jpg", "b/3.jpg", "b/3.png"])
        defer { _ = folder }
        #expect(source.labels.attributes == [1, -1, -1, 1, 1])
        #expect(source.labelIssues.map(\.kind) == [.sharedRow])
        #expect(source.labelIssues.first?.subject == "2.jpg")
        #expect(source.labelIssues.first?.detail == "row 2: 2 pictures have this file name")
    }

    @Test func tablesInWindows1252AreRead() throws {
        let table: [UInt8] =
            Array("name,".utf8) + [0x80, 0xE4] + Array("\nM".utf8) + [0xFC] + Array("ller.png,1\nJos".utf8)
            + [0xE9]
            + Array(".png,-1\nb/".utf8) + [0xE9] + Array(".png,1\n".utf8)
        let pictures: [[UInt8]] = [
            Array("Müller.png".utf8), Array("Jos".utf8) + [0xE9] + Array(".png".utf8),
            Array("b/".utf8) + [0xE9] + Array(".png".utf8),
        ]
        let folder = try TemporaryFolder()
        let archive = try Fixtures.tar(
            raw: pictures.map { (name: $0, bytes: try Fixtures.png(1)) } + [
                (name: Array("list_attr_celeba.csv".utf8), bytes: table)
            ])
        let source = try SourceOpener.open(folder.write(archive, to: "a.tar"))
        #expect(source.names == ["Jos\\xE9.png", "Müller.png", "b/\\xE9.png"])
        #expect(source.labels.attributeNames == ["€ä"])
        #expect(source.labels.attributes == [-1, 1, 1])
        #expect(source.labelIssues.isEmpty)
    }

    @Test func ambiguousEntriesOfDatasetJSONAreNotUsed() throws {
        let folder = try TemporaryFolder()
        for name in ["1.png", "2.png"] { try folder.write(Fixtures.png(1), to: name) }
        try folder.write(
            #"{"labels": [["a/1.png", 1], ["b/1.png", 2], ["a/2.png", 3]]}"#, to: "dataset.json")
        let source = try SourceOpener.open(folder.path)
        #expect(source.labels.classes == [-1, 3])
        #expect(source.labelIssues.map(\.subject) == ["1.png", "a/1.png", "b/1.png"])
        #expect(source.labelIssues.map(\.kind) == [.missingRow, .missingPicture, .missingPicture])
    }

    /// The time of the thread is linear in the number of entries: 8 times as many take less than 24 times as long.
    @Test func manyEntriesOfDatasetJSONAreMatchedInLinearTime() throws {
        func open(_ count: Int) throws -> (source: any PictureSource, seconds: Double) {
            let rows = (0..<count).map {
                [$0 % 2 == 0 ? "\($0)/001.png" : "other\($0)/001.png", $0] as [Any]
            }
            let json = Array(try JSONSerialization.data(withJSONObject: ["labels": rows]))
            let pictures = (0..<count).map { (name: "faces/x/\($0)/001.png", bytes: [UInt8(1)]) }
            let folder = try TemporaryFolder()
            let archive = Fixtures.zip(pictures + [(name: "dataset.json", bytes: json)])
            let path = try folder.write(archive, to: "a.zip")
            let start = Self.threadSeconds()
            return (try SourceOpener.open(path), Self.threadSeconds() - start)
        }
        let (few, many) = (try open(2_500), try open(20_000))
        let classes = Dictionary(uniqueKeysWithValues: zip(many.source.names, many.source.labels.classes))
        #expect(classes["faces/x/1234/001.png"] == 1234)
        #expect(classes["faces/x/1235/001.png"] == -1)
        #expect(many.source.labels.classes.filter { $0 >= 0 }.count == 10_000)
        #expect(many.seconds < 24 * few.seconds)
    }

    /// Processor time of the calling thread, in seconds. Does not depend on the load of the machine.
    private static func threadSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    @Test func unusedFilesOfNestedArchivesAreListed() throws {
        let folder = try TemporaryFolder()
        let table = Array("1\nMale\n000001.png 1\n".utf8)
        let inner = [
            (name: "aaa.txt", bytes: Array("text".utf8)),
            (name: "img/000001.png", bytes: try Fixtures.png(1)),
        ]
        func open(_ inner: [(name: String, bytes: [UInt8])]) throws -> any PictureSource {
            let outer = [
                (name: "Anno/list_attr_celeba.txt", bytes: table),
                (name: "pictures.zip", bytes: Fixtures.zip(inner)),
            ]
            return try SourceOpener.open(folder.write(Fixtures.zip(outer), to: "a.zip"))
        }
        let one = try open(inner)
        #expect(one.skipped.map(\.name) == ["aaa.txt"])
        #expect(one.labels.attributes == [1])
        let other = Array("1\nMale\n000001.png -1\n".utf8)
        let two = try open(inner + [(name: "list_attr_celeba.txt", bytes: other)])
        #expect(two.skipped.map(\.name) == ["Anno/list_attr_celeba.txt", "aaa.txt"])
        #expect(two.labels.attributes == [-1])
    }

    @Test func attributesOfCelebAHQAreFoundNextToTheFaces() throws {
        let folder = try TemporaryFolder()
        for i in 0..<2 { try folder.write(Fixtures.png(i), to: "CelebAMask-HQ/CelebA-HQ-img/\(i).jpg") }
        try folder.write(
            "2\nMale Young\n0.jpg 1 -1\n1.jpg -1 1\n",
            to: "CelebAMask-HQ/CelebAMask-HQ-attribute-anno.txt")
        for path in ["CelebAMask-HQ", "CelebAMask-HQ/CelebA-HQ-img"] {
            let source = try SourceOpener.open(folder.file(path))
            #expect(source.kind == .celebAHQ, "\(path)")
            #expect(source.labels.attributes == [1, -1, -1, 1], "\(path)")
        }
    }
}
