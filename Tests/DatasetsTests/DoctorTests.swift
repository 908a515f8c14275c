import Datasets
import Foundation
import Imaging
import SyntheticFaces
import TestSupport
import Testing

struct DoctorTests {
    private func damagedFolder() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        for i in 0..<6 { try folder.write(Fixtures.jpeg(i), to: "good\(i).jpg") }
        let whole = try Fixtures.jpeg(20)
        try folder.write([], to: "a-empty.jpg")
        try folder.write(Array(whole.prefix(whole.count / 2)), to: "b-cut.jpg")
        try folder.write("<!doctype html><title>Sign in</title>", to: "c-page.jpg")
        try folder.write([UInt8](repeating: 0, count: 900), to: "d-zeros.png")
        var png = try Fixtures.png(21)
        png[png.count / 2] ^= 0xFF
        try folder.write(png, to: "e-broken.png")
        var huge = try Fixtures.png(22)
        huge.replaceSubrange(16..<24, with: [0, 1, 0, 0, 0, 1, 0, 0])
        try folder.write(huge, to: "f-huge.png")
        try folder.write(PictureEncoder.png(Fixtures.picture(1, width: 3, height: 3)), to: "g-tiny.png")
        try FileManager.default.createSymbolicLink(
            atPath: folder.file("h-gone.png"), withDestinationPath: folder.file("nowhere"))
        try folder.write(Array("GIF89a".utf8) + [UInt8](repeating: 1, count: 50), to: "i.gif")
        return folder
    }

    @Test func listsBadPicturesWithReasons() throws {
        let folder = try damagedFolder()
        var reported: [String] = []
        var progress = 0
        let report = try SourceDoctor.examine(
            SourceOpener.open(folder.path), progress: { done, _ in progress = done },
            found: { reported.append($0.name) })
        #expect(progress == 15)
        #expect(report.pictureCount == 15)
        #expect(reported == report.bad.map(\.name))
        let kinds = Dictionary(uniqueKeysWithValues: report.bad.map { ($0.name, $0.kind) })
        let expected: [String: PictureProblem.Kind] = [
            "a-empty.jpg": .empty, "b-cut.jpg": .truncated, "c-page.jpg": .webPage,
            "d-zeros.png": .notPicture,
            "e-broken.png": .damaged, "g-tiny.png": .absurdSize, "h-gone.png": .unreadable,
            "i.gif": .unsupported,
        ]
        for (name, kind) in expected { #expect(kinds[name] == kind, "\(name)") }
        // A header with a forged size also has a wrong checksum. Both problems are correct.
        #expect(kinds["f-huge.png"] == .absurdSize || kinds["f-huge.png"] == .damaged)
        #expect(report.bad.count == 9)
        #expect(report.bad.allSatisfy { !$0.reason.isEmpty })
        #expect(!report.isHealthy)
    }

    @Test func checksumErrorsInZipsAreReported() throws {
        let folder = try TemporaryFolder()
        let picture = try Fixtures.png(3)
        var zip = Fixtures.zip([(name: "a.png", bytes: try Fixtures.png(1)), (name: "b.png", bytes: picture)])
        // A byte of the second file's content, which is stored without compression.
        let start = try #require(
            zip.indices.first { Array(zip[$0..<min($0 + 5, zip.count)]) == Array("b.png".utf8) })
        zip[start + 5 + picture.count / 2] ^= 1
        let report = try SourceDoctor.examine(SourceOpener.open(folder.write(zip, to: "p.zip")))
        #expect(report.bad.map(\.name) == ["b.png"])
        #expect(report.bad.first?.kind == .unreadable)
        #expect(report.bad.first?.reason.contains("checksum") == true)
    }

    @Test func truncatedArchivesAreReported() throws {
        let folder = try TemporaryFolder()
        let files = try (0..<5).map { (name: "\($0).png", bytes: try Fixtures.png($0)) }
        let whole = Fixtures.gzip(Fixtures.tar(files))
        let path = try folder.write(Array(whole.prefix(whole.count / 2)), to: "p.tgz")
        let report = try SourceDoctor.examine(SourceOpener.open(path))
        #expect(report.damage != nil)
        #expect(!report.isHealthy)
    }

    @Test func reportsWarnings() throws {
        let folder = try TemporaryFolder()
        let picture = Fixtures.picture(1)
        let gray = Picture(
            width: 40, height: 40, channels: 1,
            pixels: stride(from: 0, to: 4800, by: 3).map { picture.pixels[$0] })
        var clear = Picture(width: 40, height: 40, channels: 4, filledWith: 200)
        clear.pixels[3] = 0
        try folder.write(PictureEncoder.png(gray), to: "grey.png")
        try folder.write(PictureEncoder.png(gray.rgb()), to: "grey-rgb.png")
        try folder.write(PictureEncoder.png(clear), to: "clear.png")
        try folder.write(Fixtures.png(2), to: "really-png.jpg")
        try folder.write(Fixtures.png(3), to: "fine.png")
        let report = try SourceDoctor.examine(SourceOpener.open(folder.path))
        #expect(report.isHealthy)
        func names(_ warning: PictureWarning) -> Set<String> { Set(report.warnings[warning.rawValue] ?? []) }
        #expect(names(.gray).isSuperset(of: ["grey.png", "grey-rgb.png"]))
        #expect(!names(.gray).contains("fine.png"))
        #expect(names(.transparent) == ["clear.png"])
        #expect(names(.blank) == ["clear.png"])
        #expect(names(.wrongExtension) == ["really-png.jpg"])
    }

    @Test func findsDuplicatesAndNearDuplicates() throws {
        let folder = try TemporaryFolder()
        for i in 0..<8 { try folder.write(Fixtures.jpeg(i), to: "p\(i).jpg") }
        try folder.write(Fixtures.jpeg(2), to: "q-copy.jpg")
        let picture = Fixtures.picture(4, width: 178, height: 218)
        try folder.write(
            PictureEncoder.jpeg(picture.resized(width: 120, height: 147), quality: 70), to: "r-small.jpg")
        try folder.write(PictureEncoder.png(picture.flippedHorizontally()), to: "s-mirror.png")
        let report = try SourceDoctor.examine(SourceOpener.open(folder.path))
        #expect(report.exactDuplicates.map(\.names) == [["p2.jpg", "q-copy.jpg"]])
        #expect(report.nearDuplicates.map(\.names) == [["p4.jpg", "r-small.jpg", "s-mirror.png"]])
        #expect(report.nearDuplicates.first?.isMirrored == true)
        var options = SourceDoctor.Options()
        options.findsNearDuplicates = false
        #expect(
            try SourceDoctor.examine(SourceOpener.open(folder.path), options: options).nearDuplicates.isEmpty)
    }

    @Test func hashedSearchFindsNearDuplicates() {
        // More faces than the limit of the exhaustive search. Every 40th has a copy that is larger and darker, and half of the copies are mirrored.
        let faces = BuiltInFaces(seed: 1)
        var thumbnails: [Thumbnail] = []
        var expected: Set<[Int]> = []
        var copies: [(Int, Thumbnail)] = []
        for index in 0..<1600 {
            let picture = faces.face(index, size: 32).picture
            thumbnails.append(Thumbnail(picture))
            guard index % 40 == 0 else { continue }
            var copy = picture.resized(width: 45, height: 45)
            for i in copy.pixels.indices { copy.pixels[i] = UInt8(Int(copy.pixels[i]) * 97 / 100) }
            copies.append((index, Thumbnail(index % 80 == 0 ? copy.flippedHorizontally() : copy)))
        }
        for (index, copy) in copies {
            expected.insert([index, thumbnails.count])
            thumbnails.append(copy)
        }
        let found = Set(NearDuplicates.find(in: thumbnails).map { [$0.first, $0.second] })
        #expect(expected.subtracting(found).count <= 1)
        // Other pairs that were found must be similar.
        for pair in found.subtracting(expected) {
            #expect(thumbnails[pair[0]].difference(to: thumbnails[pair[1]]) < 7.01)
        }
    }

    @Test func sizesAreCounted() throws {
        let folder = try Fixtures.folder(12)
        try folder.write(Fixtures.png(50, width: 41, height: 40), to: "odd.png")
        let report = try SourceDoctor.examine(SourceOpener.open(folder.path))
        #expect(report.sizes.map(\.count) == [12, 1])
        #expect(report.sizes[0].width == 40)
        #expect(report.oddSizes.map(\.name) == ["odd.png"])

        let mixed = try TemporaryFolder()
        for i in 0..<10 {
            try mixed.write(Fixtures.png(i, width: 60 + 7 * i, height: 80 + i), to: "\(i).png")
        }
        try mixed.write(Fixtures.png(11, width: 90, height: 16), to: "narrow.png")
        #expect(
            try SourceDoctor.examine(SourceOpener.open(mixed.path)).oddSizes.map(\.name) == ["narrow.png"])
    }

    @Test func picturesSmallerThanTheCropAreBad() throws {
        let folder = try TemporaryFolder()
        try folder.write(Fixtures.jpeg(1), to: "fits.jpg")
        try folder.write(Fixtures.jpeg(2, width: 170, height: 218), to: "small.jpg")
        var options = SourceDoctor.Options()
        options.data = try .parse("celeba64-178")
        let report = try SourceDoctor.examine(SourceOpener.open(folder.path), options: options)
        #expect(report.bad.map(\.name) == ["small.jpg"])
        #expect(report.bad.first?.kind == .tooSmall)
    }

    @Test func labelIssuesAreReported() throws {
        let folder = try TemporaryFolder()
        for i in 1...3 { try folder.write(Fixtures.jpeg(i), to: "00000\(i).jpg") }
        try folder.write("2\nA B\n000001.jpg 1 1\n000009.jpg 1 1\n", to: "list_attr_celeba.txt")
        let report = try SourceDoctor.examine(SourceOpener.open(folder.path))
        #expect(report.labels.attributes == 2)
        #expect(report.labels.counts == ["picture without row": 2, "row without picture": 1])
        #expect(report.labels.issues.count == 3)
        #expect(report.isHealthy)
    }

    @Test func damagedStoresAreReported() throws {
        let folder = try TemporaryFolder()
        let store = try StoreCache(folder: folder.path).open("builtin:4", protocol: .parse("faces16"))
        #expect(try SourceDoctor.examine(SourceOpener.open(store.path)).isHealthy)
        var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: store.path)))
        bytes[bytes.count - 4000] ^= 4
        let report = try SourceDoctor.examine(SourceOpener.open(folder.write(bytes, to: "changed.faces")))
        #expect(report.damage?.contains("checksum") == true)
    }

    @Test func reportsRoundTripAsJSON() throws {
        let folder = try damagedFolder()
        let report = try SourceDoctor.examine(SourceOpener.open(folder.path))
        let decoded = try JSONDecoder().decode(SourceReport.self, from: JSONEncoder().encode(report))
        #expect(decoded.bad == report.bad)
        #expect(decoded.warnings == report.warnings)
    }

    @Test func cancelling() throws {
        let folder = try Fixtures.folder(10)
        var polls = 0
        #expect(throws: CancellationError.self) {
            try SourceDoctor.examine(
                SourceOpener.open(folder.path),
                cancelled: {
                    polls += 1
                    return polls == 3
                })
        }
    }
}

struct SourcePreviewTests {
    @Test func samplesTheSourceEvenly() throws {
        let folder = try Fixtures.folder(20)
        try folder.write("broken", to: "0005.png")
        let source = try SourceOpener.open(folder.path)
        let data = try DataProtocol.parse("square16")
        let preview = try SourcePreview(of: source, protocol: data, count: 4)
        #expect(preview.names == ["0000.png", "0010.png", "0015.png"])
        #expect(preview.bad.map(\.name) == ["0005.png"])
        #expect(try preview.pictures[0] == data.apply(Fixtures.picture(0)))
        #expect(try SourcePreview(of: source, protocol: data, count: 500).pictures.count == 19)
        let sheet = preview.sheet(augmentation: .none, columns: 5)
        #expect(sheet.width == 5 * 18 + 2)
        #expect(sheet.height == 3 * 18 + 2)
    }

    @Test func storesAreNotCroppedAgain() throws {
        let folder = try TemporaryFolder()
        try folder.write(Fixtures.jpeg(1), to: "a.jpg")
        let data = try DataProtocol.parse("celeba32-108")
        _ = try StorePreparation.prepare(
            source: SourceOpener.open(folder.path), protocol: data, to: folder.file("x.faces"))
        let packed = try SourceOpener.open(folder.file("x.faces"))
        #expect(packed.packedProtocol == data)
        let store = try FaceStore(path: folder.file("x.faces"))
        #expect(try SourcePreview(of: packed, protocol: data, count: 1).pictures == [store.picture(0)])
        #expect(throws: DataError.self) {
            try SourcePreview(of: packed, protocol: .parse("celeba32-178"), count: 1)
        }
        // Repacking a store with its own protocol does not change its content.
        let again = try StorePreparation.prepare(source: packed, protocol: data, to: folder.file("y.faces"))
        #expect(again.contentHash == store.contentHash)
    }
}
