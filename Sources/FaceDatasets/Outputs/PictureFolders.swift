import Datasets
import Files
import Foundation
import Provenance

/// Progress of the writing of one output: written and total pictures.
typealias WritingProgress = @Sendable (_ done: Int, _ total: Int) -> Void

/// Writer of one layout of the pictures. Reads the records in their order, and writes into one folder.
protocol OutputWriter {
    /// Name of the folder.
    static var folder: String { get }
    /// Writes all files of the layout.
    /// - Parameters:
    ///   - faces: accepted pictures.
    ///   - facts: facts about the data set.
    ///   - folder: path of the folder, which exists and is empty.
    ///   - progress: called with written and total pictures.
    /// - Throws: `FileError`, `ImagingError`, `CancellationError`.
    static func write(
        _ faces: RecordedFaces, _ facts: DatasetFacts, to folder: String, progress: WritingProgress) throws
}

/// Work on ranges of pictures on all processors.
enum ParallelPictures {
    private static let step = 256

    /// Calls `body` for all indices, on several threads. Results are passed on in order, on the calling thread.
    /// - Throws: the first error of the lowest index; `CancellationError`.
    static func forEach<Value: Sendable>(
        _ count: Int, _ body: @Sendable (Int) throws -> Value, then: (Int, Value) throws -> Void
    ) throws {
        for start in stride(from: 0, to: count, by: step) {
            try Task.checkCancellation()
            let range = start..<min(count, start + step)
            let results = try map(range, body)
            for (index, value) in zip(range, results) { try then(index, value) }
        }
    }

    /// Results of `body` for a range of indices, computed on several threads.
    static func map<Value: Sendable>(_ range: Range<Int>, _ body: @Sendable (Int) throws -> Value) throws
        -> [Value]
    {
        let results = ResultBuffer<Value>(range.count)
        DispatchQueue.concurrentPerform(iterations: range.count) { place in
            results.set(place, Result { try body(range.lowerBound + place) })
        }
        return try results.values()
    }
}

/// Results of concurrent work, one place for each item.
private final class ResultBuffer<Value: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    // Protected by the lock.
    private var results: [Result<Value, any Error>?]

    init(_ count: Int) { results = Array(repeating: nil, count: count) }

    func set(_ place: Int, _ result: Result<Value, any Error>) { lock.withLock { results[place] = result } }

    func values() throws -> [Value] { try lock.withLock { try results.compactMap { try $0?.get() } } }
}

/// Folders of PNG files, with `metadata.jsonl` for each part: the layout `imagefolder` of Hugging Face's `datasets`.
enum ImageFolderWriter: OutputWriter {
    static let folder = "imagefolder"

    static func write(
        _ faces: RecordedFaces, _ facts: DatasetFacts, to folder: String, progress: WritingProgress
    ) throws {
        let tables = try LabelTables(facts, folder: folder, name: "metadata.jsonl")
        // Folders before files, because the files are written concurrently.
        for split in facts.splits {
            for first in stride(from: 0, to: faces.count, by: 10_000) {
                let part = FaceRecord.path(first).prefix { $0 != "/" }
                try FileManager.default.createDirectory(
                    atPath: "\(folder)/\(split.rawValue)/\(part)", withIntermediateDirectories: true)
            }
        }
        try ParallelPictures.forEach(faces.count) { index -> (FaceRecord, String) in
            let record = try faces.record(index)
            let path = FaceRecord.path(index)
            try AtomicFile.write(
                try faces.png(record), to: "\(folder)/\(record.split.rawValue)/\(path)", durably: false)
            return (record, path)
        } then: { index, written in
            try tables.add(index, written.0, fileName: written.1)
            progress(index + 1, faces.count)
        }
        try tables.finish()
    }
}

/// Tables of the labels as JSON lines, one for each part of the data set.
final class LabelTables {
    private let facts: DatasetFacts
    private var files: [DataSplit: AtomicFile] = [:]

    /// Folder of the tables of data sets without the layout `imagefolder`.
    static let folder = "labels"

    /// - Parameters:
    ///   - facts: facts about the data set.
    ///   - folder: path of the folder.
    ///   - name: name of the file in the folder of a part; nil for `PART.jsonl` in `folder`.
    init(_ facts: DatasetFacts, folder: String, name: String? = nil) throws {
        self.facts = facts
        for split in facts.splits {
            let place =
                name.map { "\(folder)/\(split.rawValue)/\($0)" } ?? "\(folder)/\(split.rawValue).jsonl"
            try FileManager.default.createDirectory(
                atPath: Files.folder(ofPath: place), withIntermediateDirectories: true)
            files[split] = try AtomicFile(path: place)
        }
    }

    /// Adds the line of a picture.
    /// - Parameters:
    ///   - index: index of the picture in the data set.
    ///   - record: its record.
    ///   - fileName: value of `file_name`; nil for none.
    func add(_ index: Int, _ record: FaceRecord, fileName: String? = nil) throws {
        let name = fileName.map { [("file_name", JSONText.string($0))] } ?? []
        let line = JSONText.object(name + record.fields(index, facts)) + "\n"
        try files[record.split]?.write(Array(line.utf8))
    }

    func finish() throws { for split in facts.splits { try files[split]?.commit() } }
}

/// Files and tables in the layout of CelebA.
enum CelebAWriter: OutputWriter {
    static let folder = "celeba"
    private static let quality = 95

    static func write(
        _ faces: RecordedFaces, _ facts: DatasetFacts, to folder: String, progress: WritingProgress
    ) throws {
        let pictures = folder + "/img_align_celeba"
        try FileManager.default.createDirectory(atPath: pictures, withIntermediateDirectories: true)
        var (attributes, parts, persons) = ("", "", "")
        var (boxes, points) = ([String](), [String]())
        try ParallelPictures.forEach(faces.count) { index -> FaceRecord in
            let record = try faces.record(index)
            let image = try faces.image(record)
            try AtomicFile.write(
                try image.jpeg(quality: quality), to: "\(pictures)/\(name(index))", durably: false)
            return record
        } then: { index, record in
            let name = name(index)
            attributes +=
                name + " " + record.labels.logits.map { $0 > 0 ? " 1" : "-1" }.joined(separator: " ") + "\n"
            parts += "\(name) \(record.split.code)\n"
            persons += "\(name) \(record.person + 1)\n"
            if let found = record.labels.detection {
                func row(_ values: [Float]) -> String {
                    name + " " + values.map { "\(Int($0.rounded()))" }.joined(separator: " ")
                }
                boxes.append(row(found.box))
                points.append(row(found.points))
            }
            progress(index + 1, faces.count)
        }
        func table(_ file: String, _ text: String) throws {
            try AtomicFile.write(Array(text.utf8), to: folder + "/" + file)
        }
        try table(
            "list_attr_celeba.txt",
            "\(faces.count)\n\(facts.attributes.joined(separator: " "))\n" + attributes)
        try table("list_eval_partition.txt", parts)
        try table("identity_CelebA.txt", persons)
        guard !points.isEmpty else { return }
        try table(
            "list_landmarks_align_celeba.txt",
            "\(points.count)\nlefteye_x lefteye_y righteye_x righteye_y nose_x nose_y leftmouth_x leftmouth_y "
                + "rightmouth_x rightmouth_y\n" + points.joined(separator: "\n") + "\n")
        try table(
            "list_bbox_celeba.txt",
            "\(boxes.count)\nimage_id x_1 y_1 width height\n" + boxes.joined(separator: "\n") + "\n")
    }

    /// `000001.jpg` for index 0.
    private static func name(_ index: Int) -> String {
        let digits = String(index + 1)
        return String(repeating: "0", count: max(0, 6 - digits.count)) + digits + ".jpg"
    }
}
