import Datasets
import FaceDatasets
import Files
import Foundation
import Imaging
import TestSupport
import Testing
import Torch

/// The unfinished data set: records, journal, lock.
@Suite struct WorkFolderTests {
    let place: TemporaryFolder
    private static let layout = RecordLayout(logits: 3, features: 4, requested: 2, z: 5, w: 6)

    init() throws { place = try TemporaryFolder() }

    private var folder: String { place.file("set") }

    private static func record(_ number: Int) -> FaceRecord {
        var random = RandomStream(seed: 4, index: UInt64(number))
        func floats(_ count: Int) -> [Float] { (0..<count).map { _ in random.uniform(in: -9...9) } }
        var record = FaceRecord()
        (record.candidate, record.person, record.variant, record.cell) = (number * 3, number, number % 2, 7)
        record.split = DataSplit.allCases[number % 3]
        (record.seed, record.fineSeed) = (.max - UInt64(number), number % 2 == 0 ? nil : .max)
        let picture = Picture(
            width: 16, height: 16, channels: 3,
            pixels: (0..<768).map { _ in UInt8(random.integer(below: 256)) })
        record.hashes = PictureHashes(picture)
        record.labels = FaceLabels(
            logits: floats(3), features: floats(4),
            detection: number % 2 == 0
                ? nil : FaceDetection(score: 0.8, box: floats(4), points: floats(10)))
        record.requested = [1, -1]
        record.photograph =
            number % 2 == 0 ? nil : NearestPhotograph(index: 12, distance: 3.25, quantile: 0.5)
        (record.z, record.w) = (floats(5), floats(6))
        record.file = Digest.sha256([1])
        return record
    }

    private static func counts(_ examined: Int) -> Selection.Counts {
        var counts = try! Selection(
            FaceDatasetPlan(model: "m", count: 10, folder: "f"), attributes: [], copyLimit: nil
        ).counts
        counts.examined = examined
        return counts
    }

    @Test(arguments: 0..<4) func recordsSurvive(number: Int) throws {
        let record = Self.record(number)
        let bytes = Self.layout.encode(record)
        #expect(bytes.count == Self.layout.byteCount)
        #expect(Self.layout.decode(bytes) == record)
        #expect(Self.layout.decode(Array(bytes.dropLast())) == nil)
        // Damaged bytes give a record or nothing, and never a trap.
        for at in bytes.indices {
            var damaged = bytes
            damaged[at] ^= 0xFF
            _ = Self.layout.decode(damaged)
        }
    }

    @Test func journalsContinue() throws {
        let plan = ["a: 1", "b: 2"]
        let pngs: [[UInt8]] = [[1, 2, 3], [4], [5, 6]]
        do {
            let work = try WorkFolder(folder, plan: plan, layout: Self.layout)
            #expect(work.state == nil)
            try work.commit(
                Array(pngs[..<2]), [Self.record(0), Self.record(1)], chunks: 1, counts: Self.counts(64))
            try work.commit([], [], chunks: 2, counts: Self.counts(128))
            #expect(work.state?.records == 2 && work.state?.bytes == 4)
        }
        #expect(try WorkFolder.examine(folder) == .unfinished)
        // What a killed process leaves behind the last line.
        for (name, rest) in [
            ("pictures", [UInt8](repeating: 9, count: 100)), ("records", [9]),
            ("journal", Array("0000".utf8)),
        ] {
            let path = folder + "/" + WorkFolder.name + "/" + name
            let whole = try DatasetFixture.bytes(path)
            try place.write(whole + rest, to: "set/\(WorkFolder.name)/\(name)")
        }
        do {
            let work = try WorkFolder(folder, plan: plan, layout: Self.layout)
            #expect(work.state?.chunks == 2 && work.state?.counts.examined == 128)
            try work.commit([pngs[2]], [Self.record(2)], chunks: 3, counts: Self.counts(192))
            let faces = try work.contents()
            #expect(faces.count == 3)
            for number in 0..<3 {
                let record = try faces.record(number)
                #expect(try faces.png(record) == pngs[number])
                #expect(record.hashes == Self.record(number).hashes && record.w == Self.record(number).w)
                #expect(record.file == Digest.sha256(pngs[number]))
            }
        }
    }

    /// A line whose checksum is wrong, and everything behind it, is cut.
    @Test func damagedLinesAreCut() throws {
        do {
            let work = try WorkFolder(folder, plan: ["a"], layout: Self.layout)
            for chunk in 1...3 {
                try work.commit([[1]], [Self.record(chunk)], chunks: chunk, counts: Self.counts(chunk))
            }
        }
        let name = "set/\(WorkFolder.name)/journal"
        var journal = try DatasetFixture.bytes(place.file(name))
        let second = try #require(journal.firstIndex(of: 0x0A)) + 20
        journal[second] ^= 1
        try place.write(journal, to: name)
        let work = try WorkFolder(folder, plan: ["a"], layout: Self.layout)
        #expect(work.state?.chunks == 1 && work.state?.records == 1)
        #expect(try work.contents().count == 1)
    }

    @Test func damagedPicturesAreErrors() throws {
        let work = try WorkFolder(folder, plan: ["a"], layout: Self.layout)
        try work.commit([[1, 2, 3]], [Self.record(0)], chunks: 1, counts: Self.counts(1))
        try place.write([1, 2, 4], to: "set/\(WorkFolder.name)/pictures")
        let faces = try work.contents()
        let error = #expect(throws: FileError.self) { try faces.png(try faces.record(0)) }
        #expect("\(error!)".contains("does not match its checksum"))
    }

    @Test func otherFoldersAreRefused() throws {
        #expect(try WorkFolder.examine(folder) == .nothing)
        try place.write("a text of the user", to: "set/note.txt")
        var error = #expect(throws: FaceDatasetError.self) { try WorkFolder.examine(folder) }
        #expect("\(error!)".contains("other files, such as note.txt"))
        // A manifest of another program does not identify a data set.
        try place.write("{\"format\": \"other\"}", to: "set/manifest.json")
        #expect(throws: FaceDatasetError.self) { try WorkFolder.examine(folder) }
        try place.write("", to: "file")
        error = #expect(throws: FaceDatasetError.self) { try WorkFolder.examine(place.file("file")) }
        #expect("\(error!)".contains("is not a folder"))
    }

    @Test func anotherPlanIsRefused() throws {
        do { _ = try WorkFolder(folder, plan: ["pictures: 5", "seed: 0"], layout: Self.layout) }
        let error = #expect(throws: FaceDatasetError.self) {
            try WorkFolder(folder, plan: ["pictures: 6", "seed: 0"], layout: Self.layout)
        }
        #expect("\(error!)".contains("pictures: 5, now pictures: 6"))
    }

    @Test func onlyOneProcessBuilds() throws {
        let work = try WorkFolder(folder, plan: ["a"], layout: Self.layout)
        let error = #expect(throws: FaceDatasetError.self) {
            try WorkFolder(folder, plan: ["a"], layout: Self.layout)
        }
        #expect("\(error!)".contains("another process"))
        withExtendedLifetime(work) {}
    }
}

@Suite struct CosineIndexTests {
    /// Equal to the largest of all cosines, also across blocks.
    @Test func findsTheLargestCosine() {
        var random = RandomStream(seed: 2)
        func vector() -> [Float] { (0..<6).map { _ in random.uniform(in: -1...1) } }
        let index = CosineIndex(dimension: 6, device: .cpu)
        let queries = (0..<5).map { _ in vector() }
        #expect(index.largestCosines(queries, paddedTo: 8) == [-1, -1, -1, -1, -1])
        var all: [[Float]] = []
        for _ in 0..<3 {
            let more = (0..<3000).map { _ in vector() }
            all += more
            index.append(more)
        }
        let found = index.largestCosines(queries, paddedTo: 8)
        for (query, cosine) in zip(queries, found) {
            let expected = all.map { CosineIndex.cosine($0, query) }.max() ?? 0
            #expect(abs(expected - cosine) < 1e-6)
        }
        // Other vectors of the batch do not matter.
        #expect(index.largestCosines([queries[3]], paddedTo: 8) == [found[3]])
        // A copy has the cosine 1, a vector without a direction 0.
        #expect(abs(index.largestCosines([all[8500]], paddedTo: 8)[0] - 1) < 1e-6)
        #expect(index.largestCosines([[0, 0, 0, 0, 0, 0]], paddedTo: 8)[0] == 0)
    }
}

@Suite struct JSONTextTests {
    @Test(arguments: [
        (0.0, "0"), (1, "1"), (-1, "-1"), (0.5, "0.5"), (-0.25, "-0.25"), (0.00004, "0"),
        (12.34567, "12.3457"),
        (99.99996, "100"), (.nan, "null"), (.infinity, "null"), (1e15, "null"),
    ]) func numbers(value: Double, text: String) {
        #expect(JSONText.number(value) == text)
    }

    @Test(arguments: ["", "a", "\"\\\n\t\u{1}\u{7F}", "é 人", "</script>"]) func strings(text: String) throws {
        let json = Data(JSONText.object([("key", JSONText.string(text))]).utf8)
        #expect(try JSONDecoder().decode([String: String].self, from: json) == ["key": text])
    }
}
