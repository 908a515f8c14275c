import Datasets
import Files
import Foundation

/// Tar shards in the layout of WebDataset: a JSON file and a PNG for each picture, `KEY.json` and `KEY.png`.
enum WebDatasetWriter: OutputWriter {
    static let folder = "webdataset"
    /// Largest number of pictures in a shard, and its largest size in bytes.
    static let (shardCount, shardSize) = (10_000, 1_000_000_000)

    static func write(
        _ faces: RecordedFaces, _ facts: DatasetFacts, to folder: String, progress: WritingProgress
    ) throws {
        var open: [DataSplit: TarWriter] = [:]
        var numbers: [DataSplit: Int] = [:]
        func shard(_ split: DataSplit) throws -> TarWriter {
            if let writer = open[split] {
                if writer.entryCount < 2 * shardCount, writer.count < shardSize { return writer }
                try writer.finish()
            }
            let number = numbers[split, default: 0]
            numbers[split] = number + 1
            let digits = String(number)
            let name = String(repeating: "0", count: max(0, 6 - digits.count)) + digits
            let writer = try TarWriter(path: "\(folder)/\(split.rawValue)-\(name).tar")
            open[split] = writer
            return writer
        }
        try ParallelPictures.forEach(faces.count) { index -> (DataSplit, [UInt8], [UInt8]) in
            let record = try faces.record(index)
            let json = JSONText.object(record.fields(index, facts)) + "\n"
            return (record.split, Array(json.utf8), try faces.png(record))
        } then: { index, item in
            let writer = try shard(item.0)
            let key = FaceRecord.key(index)
            try writer.add(key + ".json", item.1)
            try writer.add(key + ".png", item.2)
            progress(index + 1, faces.count)
        }
        for split in DataSplit.allCases { try open[split]?.finish() }
    }
}

/// Zip archives in the layout of NVlabs' StyleGAN tools, one for each part: `00000/img00000000.png` and `dataset.json`.
///
/// The label of a picture is a vector of its attributes, 1 or 0.
enum StyleGANWriter: OutputWriter {
    static let folder = "stylegan"

    static func write(
        _ faces: RecordedFaces, _ facts: DatasetFacts, to folder: String, progress: WritingProgress
    ) throws {
        var archives: [DataSplit: ZipWriter] = [:]
        var labels: [DataSplit: [String]] = [:]
        for split in facts.splits {
            archives[split] = try ZipWriter(path: "\(folder)/\(split.rawValue).zip")
            labels[split] = []
        }
        try ParallelPictures.forEach(faces.count) { index -> (FaceRecord, [UInt8]) in
            let record = try faces.record(index)
            return (record, try faces.png(record))
        } then: { index, item in
            let split = item.0.split
            let key = FaceRecord.key(labels[split]?.count ?? 0)
            let name = "\(key.dropLast(3))/img\(key).png"
            try archives[split]?.add(name, item.1)
            let row = item.0.labels.logits.map { $0 > 0 ? "1.0" : "0.0" }.joined(separator: ", ")
            labels[split]?.append("[\(JSONText.string(name)), [\(row)]]")
            progress(index + 1, faces.count)
        }
        for split in facts.splits {
            let rows = (labels[split] ?? []).joined(separator: ",\n")
            let names = JSONText.array(facts.attributes.map(JSONText.string))
            try archives[split]?.add(
                "dataset.json", Array("{\"labels\": [\n\(rows)\n],\n\"attributes\": \(names)}\n".utf8))
            try archives[split]?.finish()
        }
    }
}

/// Shards of latents as safetensors files, which `facegan generate --latents` reads.
enum LatentWriter {
    static let folder = "latents"
    /// Largest number of rows in a shard.
    static let shardCount = 10_000

    /// Writes `z-00000.safetensors`, and so on for w or w+. Rows are in the order of the data set.
    static func write(
        _ faces: RecordedFaces, _ facts: DatasetFacts, to folder: String, progress: WritingProgress
    ) throws {
        var spaces: [(name: String, shape: [Int], values: @Sendable (FaceRecord) -> [Float])] = []
        if faces.layout.z > 0 { spaces.append(("z", [faces.layout.z], { $0.z })) }
        if let w = facts.w { spaces.append((w.space, w.shape, { $0.w })) }
        for (offset, space) in spaces.enumerated() {
            for start in stride(from: 0, to: faces.count, by: shardCount) {
                try Task.checkCancellation()
                let range = start..<min(faces.count, start + shardCount)
                let origins = try range.map { index in
                    let record = try faces.record(index)
                    return JSONText.string("picture \(index), seed \(record.seed)")
                }
                var entries = [
                    SafetensorsWriter.Entry(
                        name: space.name, dtype: .f32, shape: [range.count] + space.shape
                    ) { sink in
                        for index in range {
                            try space.values(try faces.record(index)).withUnsafeBytes { try sink($0) }
                        }
                    }
                ]
                if space.name == "z", !facts.requested.isEmpty {
                    entries.append(
                        SafetensorsWriter.Entry(
                            name: "labels", dtype: .f32, shape: [range.count, facts.requested.count]
                        ) { sink in
                            for index in range {
                                let row = try faces.record(index).requested.map { Float($0) }
                                try row.withUnsafeBytes { try sink($0) }
                            }
                        })
                }
                let digits = String(start / shardCount)
                let number = String(repeating: "0", count: max(0, 5 - digits.count)) + digits
                try SafetensorsWriter.write(
                    path: "\(folder)/\(space.name)-\(number).safetensors",
                    metadata: [
                        "format": "facegan latents 1", "model": facts.model,
                        "origins": JSONText.array(origins),
                    ], entries: entries)
                let done = offset * faces.count + range.upperBound
                progress(done / spaces.count, faces.count)
            }
        }
    }
}
