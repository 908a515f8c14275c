import Datasets
import Files
import Foundation
import Imaging
import TestSupport
import Testing

/// Damaged label files and archives are rejected, or every loss is reported. They must not crash or hang.
@Suite struct FuzzTests {
    private static let names = ["000001.jpg", "000002.jpg", "000003.jpg"]

    private static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    /// Writes files, opens the folder, and expects labels with consistent sizes.
    /// - Returns: the source; nil if it was rejected.
    private func open(_ files: [(name: String, bytes: [UInt8])], _ number: Int) throws -> (any PictureSource)?
    {
        let folder = try TemporaryFolder()
        for (index, name) in Self.names.enumerated() {
            try folder.write(Self.pictures[index], to: "img_align_celeba/" + name)
        }
        for file in files { try folder.write(file.bytes, to: file.name) }
        do {
            let source = try SourceOpener.open(folder.path)
            let labels = source.labels
            let count = source.count
            #expect(count == 3, "mutation \(number)")
            #expect(labels.attributes.count == count * labels.attributeNames.count, "mutation \(number)")
            #expect(labels.attributes.allSatisfy { (-1...1).contains($0) }, "mutation \(number)")
            for width in [labels.identities.count, labels.splits.count, labels.classes.count] {
                #expect(width == 0 || width == count, "mutation \(number)")
            }
            #expect(labels.splits.allSatisfy { $0 <= 2 || $0 == DataSplit.unknownCode }, "mutation \(number)")
            #expect(labels.identities.allSatisfy { $0 >= -1 } && labels.classes.allSatisfy { $0 >= -1 })
            #expect(labels.landmarks.isEmpty || labels.landmarks.count == count * 10, "mutation \(number)")
            #expect(labels.vectors.count == count * labels.vectorWidth, "mutation \(number)")
            return source
        } catch let error as DataError {
            #expect(!error.description.isEmpty)
        } catch let error as FileError {
            #expect(!error.description.isEmpty)
        }
        return nil
    }

    private static let pictures: [[UInt8]] = (1...3).map {
        (try? Fixtures.png($0, width: 8, height: 8)) ?? []
    }

    @Test func labelTables() throws {
        let names = "Male Smiling Young Eyeglasses"
        let attributes = [
            Self.bytes(
                "3\n\(names)\n000001.jpg -1 1 1 -1\n000002.jpg  1 -1 -1 -1\n000003.jpg  1  1 -1 1\n"),
            Self.bytes(
                "image_id,Male,Smiling,Young,Eyeglasses\r\n000001.jpg,-1,1,1,-1\r\n"
                    + "\"000002.jpg\",1,-1,-1,1\r\n000003.jpg,1,1,-1,-1\r\n"),
        ]
        let others = [
            ("list_eval_partition.txt", Self.bytes("000001.jpg 0\n000002.jpg 1\n000003.jpg 2\n")),
            ("identity_CelebA.txt", Self.bytes("000001.jpg 77\n000002.jpg 5\n000003.jpg 77\n")),
            (
                "list_landmarks_align_celeba.txt",
                Self.bytes(
                    "3\nlefteye_x lefteye_y righteye_x righteye_y nose_x nose_y leftmouth_x leftmouth_y rightmouth_x "
                        + "rightmouth_y\n"
                        + Self.names.map { $0 + " 2 3 6 3 4 4 3 6 5 6\n" }.joined())
            ),
        ]
        var (opened, reported) = (0, 0)
        for number in FuzzNumbers("label-tables", usual: 500) {
            var mutator = Mutator(seed: UInt64(number))
            let table = number % 2
            let name = table == 0 ? "list_attr_celeba.txt" : "list_attr_celeba.csv"
            // In two of five cases another table is damaged.
            let place = mutator.below(5)
            var files = [(name, attributes[table])] + others
            let damaged = place < files.count ? place : 0
            files[damaged].1 = mutator.mutate(files[damaged].1, donors: attributes)
            guard let source = try open(files, number) else { continue }
            opened += 1
            reported += source.labelIssues.isEmpty ? 0 : 1
            let width = source.labels.attributeNames.count
            guard width == 4, damaged == 0 else { continue }
            // A picture without attributes is reported.
            for row in 0..<source.count
            where source.labels.attributes[row * width..<(row + 1) * width].allSatisfy({ $0 == 0 }) {
                #expect(!source.labelIssues.isEmpty, "mutation \(number)")
            }
        }
        #expect(opened > 0 && reported > 0)
    }

    @Test func datasetJSON() throws {
        let originals = [
            #"{"labels": [["img_align_celeba/000001.jpg", 4], ["img_align_celeba/000002.jpg", 0], ["img_align_celeba/000003.jpg", 1]]}"#,
            #"{"labels": [["img_align_celeba/000001.jpg", [0.5, 1]], ["img_align_celeba/000002.jpg", [1, 0]], ["img_align_celeba/000003.jpg", [0, 1]]]}"#,
            #"{"labels": {"img_align_celeba\\000001.jpg": 4.0, "img_align_celeba\\000002.jpg": 0, "img_align_celeba\\000003.jpg": 1}}"#,
        ].map(Self.bytes)
        var opened = 0
        for number in FuzzNumbers("dataset-json", usual: 400) {
            var mutator = Mutator(seed: UInt64(number))
            let text = mutator.mutate(originals[number % originals.count], donors: originals)
            guard let source = try open([("dataset.json", text)], number) else { continue }
            opened += 1
            // A picture without a class is reported. A class can be negative in the damaged file.
            if source.labels.classes.contains(-1), !text.contains(UInt8(ascii: "-")) {
                #expect(!source.labelIssues.isEmpty, "mutation \(number)")
            }
        }
        #expect(opened > 0)
    }

    /// Every picture of a damaged archive is packed or named.
    @Test func archivesOfPictures() throws {
        let files =
            try (0..<3).map { ("faces/\($0).png", try Fixtures.png($0, width: 8, height: 8)) }
            + [("faces/3.jpg", try Fixtures.jpeg(3, width: 8, height: 8))]
        let originals = [Fixtures.zip(files), Fixtures.tar(files), Fixtures.gzip(Fixtures.tar(files))]
        let place = try TemporaryFolder()
        let data = try DataProtocol.parse("faces8")
        var (packed, rejected) = (0, 0)
        for number in FuzzNumbers("picture-archives", usual: 400) {
            var mutator = Mutator(seed: UInt64(number))
            let kind = number % originals.count
            let path = try place.write(
                mutator.mutate(originals[kind], donors: files.map(\.1)),
                to: "mutated." + ["zip", "tar", "tgz"][kind])
            do {
                let source = try SourceOpener.open(path)
                let store = place.file("packed.faces")
                let report = try StorePreparation.prepare(source: source, protocol: data, to: store)
                #expect(report.written + report.bad.count == source.count, "mutation \(number)")
                #expect(Set(report.bad.map(\.name)).isSubset(of: source.names), "mutation \(number)")
                let opened = try FaceStore(path: store)
                try opened.verify()
                #expect(opened.count == report.written, "mutation \(number)")
                packed += 1
            } catch let error as DataError {
                #expect(!error.description.isEmpty)
                rejected += 1
            } catch let error as FileError {
                #expect(!error.description.isEmpty)
                rejected += 1
            }
        }
        #expect(packed > 0 && rejected > 0)
    }
}
