import Files
import Foundation
import Provenance

/// All files of a data set, written from the accepted pictures.
struct DatasetOutputs {
    let faces: RecordedFaces
    let facts: DatasetFacts
    let statistics: FaceDatasetStatistics

    /// Writer of a layout.
    private static func writer(_ format: FaceDatasetPlan.Format) -> any OutputWriter.Type {
        switch format {
        case .imageFolder: ImageFolderWriter.self
        case .webDataset: WebDatasetWriter.self
        case .styleGAN: StyleGANWriter.self
        case .celebA: CelebAWriter.self
        }
    }

    /// Names of all files and folders that a data set can have.
    private static var names: [String] {
        FaceDatasetPlan.Format.allCases.map { writer($0).folder }
            + [LabelTables.folder, LatentWriter.folder, String(Datasheet.pictures.dropLast())]
            + [Datasheet.fileName, Croissant.fileName, WorkFolder.manifest]
    }

    /// Writes all files, and finishes the data set. The files appear together, the manifest last.
    /// - Throws: `FileError`, `ImagingError`, `FaceDatasetError`, `CancellationError`.
    func write(to work: WorkFolder, progress: @escaping @Sendable (FaceDatasetBuilder.Stage) -> Void) throws {
        try work.prepareOutputs(Self.names)
        let out = work.outputs
        func folder(_ name: String, _ body: (String, @escaping WritingProgress) throws -> Void) throws {
            try FileManager.default.createDirectory(
                atPath: out + "/" + name, withIntermediateDirectories: true)
            try body(out + "/" + name) { progress(.writing(name: name, done: $0, total: $1)) }
        }
        for format in facts.plan.formats {
            let writer = Self.writer(format)
            try folder(writer.folder) { try writer.write(faces, facts, to: $0, progress: $1) }
        }
        if !facts.plan.formats.contains(.imageFolder) {
            try folder(LabelTables.folder) { path, progress in
                let tables = try LabelTables(facts, folder: path)
                for index in 0..<faces.count {
                    if index % 1024 == 0 { try Task.checkCancellation() }
                    try tables.add(index, try faces.record(index))
                    progress(index + 1, faces.count)
                }
                try tables.finish()
            }
        }
        if faces.layout.z + faces.layout.w > 0 {
            try folder(LatentWriter.folder) { try LatentWriter.write(faces, facts, to: $0, progress: $1) }
        }
        try folder(String(Datasheet.pictures.dropLast())) { path, _ in
            try AtomicFile.write(try Datasheet.grid(faces).png(), to: path + "/faces.png")
            let charts = DatasetCharts.render(statistics.summary, statistics.histograms)
            try AtomicFile.write(
                try Provenance.png(charts, origin: nil), to: path + "/histograms.png")
        }
        let summary = statistics.summary
        try AtomicFile.write(Datasheet.markdown(facts, summary), to: out + "/" + Datasheet.fileName)
        try AtomicFile.write(
            Croissant.json(facts, summary, files: try Manifest.files(in: out)),
            to: out + "/" + Croissant.fileName)
        try AtomicFile.write(
            try Manifest.json(facts, summary, files: try Manifest.files(in: out)),
            to: out + "/" + WorkFolder.manifest)
        try work.finish()
    }
}

/// Estimate of the space that a data set needs while it is built.
enum DiskSpace {
    /// Bytes of a data set and of its unfinished form. PNG files of faces have about 70 % of the size of their pixels.
    static func estimate(_ facts: DatasetFacts, _ layout: RecordLayout) -> Int {
        let png = facts.side * facts.side * 3 * 7 / 10 + 1200
        let row = 700 + 46 * facts.attributes.count
        var bytes = png + layout.byteCount + 4 * (layout.z + layout.w)
        for format in facts.plan.formats {
            switch format {
            // File systems allocate blocks of 4 KiB.
            case .imageFolder: bytes += png + 2048 + row
            case .webDataset: bytes += png + row + 2048
            case .styleGAN: bytes += png + 400
            case .celebA: bytes += png / 3 + 3300
            }
        }
        if !facts.plan.formats.contains(.imageFolder) { bytes += row }
        return bytes.multipliedReportingOverflow(by: facts.plan.count).partialValue
    }

    /// Compares the estimate with the free space.
    /// - Throws: `FaceDatasetError` if the space is not sufficient.
    static func check(_ facts: DatasetFacts, _ layout: RecordLayout, notice: (String) -> Void) throws {
        let needed = estimate(facts, layout)
        var place = facts.plan.folder
        while !FileManager.default.fileExists(atPath: place), !place.isEmpty {
            place = Files.folder(ofPath: place)
            if place == "." || place == "/" { break }
        }
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: place)
        let free = (attributes?[.systemFreeSize] as? NSNumber)?.intValue
        let text = "about \(megabytes(needed)) MB while it is built"
        guard let free else { return notice("The data set needs \(text).") }
        guard needed < free else {
            throw FaceDatasetError(
                "\(facts.plan.folder): the data set needs \(text), and \(megabytes(free)) MB are free; free some space, "
                    + "or write fewer pictures, formats or latents")
        }
        notice("The data set needs \(text); \(megabytes(free)) MB are free.")
    }

    private static func megabytes(_ bytes: Int) -> String {
        JSONText.number(Double(bytes) / 1e6, decimals: 1)
    }
}
