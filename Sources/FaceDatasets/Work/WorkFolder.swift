import Files
import Foundation
import Imaging
import Provenance

/// Folder of an unfinished data set, inside the folder of the data set. Only one process uses it at a time.
///
/// Accepted pictures and records are appended to two files. After every chunk, a line of the journal states their lengths and
/// the counts. A process that is killed leaves at most bytes behind the last line, which the next one cuts.
package final class WorkFolder {
    /// State after a number of chunks.
    package struct State: Sendable, Codable, Equatable {
        /// Number of processed chunks.
        package var chunks: Int
        /// Number of accepted pictures.
        package var records: Int
        /// Length of the file of pictures, in bytes.
        package var bytes: Int
        /// Counts of the selection.
        package var counts: Selection.Counts
    }

    /// State of a folder that a data set can be written to.
    package enum Found: Equatable {
        /// No folder, or an empty one.
        case nothing
        /// An unfinished data set.
        case unfinished
        /// A finished data set.
        case finished
    }

    package static let name = ".facegan-dataset"
    /// File that identifies a finished data set.
    package static let manifest = "manifest.json"
    /// Value of the key `format` in the manifest.
    static let format = "facegan dataset 1"

    /// Folder of the data set.
    let folder: String
    /// Layout of a record.
    let layout: RecordLayout
    /// Last state of the journal; nil at the beginning.
    package private(set) var state: State?
    private let lock: FileLock
    private let pictures: AppendFile
    private let records: AppendFile
    private let journal: AppendFile

    private var path: String { Self.path(folder) }
    private static func path(_ folder: String) -> String { folder + "/" + name }

    /// Folder of the outputs until all of them are written.
    var outputs: String { path + "/out" }

    /// Looks at the folder of a data set.
    /// - Throws: `FaceDatasetError` for a file, and for a folder with other contents.
    package static func examine(_ folder: String) throws -> Found {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder) else { return .nothing }
        guard isFolder.boolValue else {
            throw FaceDatasetError("\(folder): is not a folder; choose another one with --out")
        }
        let contents: [String]
        do { contents = try FileManager.default.contentsOfDirectory(atPath: folder) } catch {
            throw FaceDatasetError("\(folder): the folder cannot be read: \(error.localizedDescription)")
        }
        if contents.isEmpty { return .nothing }
        // The manifest is moved last.
        if contents.contains(manifest), (try? Manifest.plan(in: folder)) != nil { return .finished }
        if contents.contains(name) {
            // The plan is the first file. Without one, no data was written.
            let hasPlan = FileManager.default.fileExists(atPath: path(folder) + "/plan.json")
            if hasPlan { return .unfinished }
            if contents == [name] { return .nothing }
        }
        throw FaceDatasetError(
            "\(folder): the folder has other files, such as \(contents.sorted()[0]); choose a new or an empty folder "
                + "with --out")
    }

    /// Lines of the plan of an unfinished data set.
    static func plan(in folder: String) throws -> [String] {
        let file = try MappedFile(path: path(folder) + "/plan.json")
        let bytes = try file.bytes(file.all)
        guard let lines = try? JSONDecoder().decode([String].self, from: Data(bytes)) else {
            throw FaceDatasetError(
                "\(folder)/\(name)/plan.json: the file is damaged; delete \(folder) and begin again")
        }
        return lines
    }

    /// Creates or continues an unfinished data set.
    /// - Parameters:
    ///   - folder: folder of the data set.
    ///   - plan: lines of everything that determines the data set.
    ///   - layout: layout of the records.
    /// - Throws: `FaceDatasetError` if the folder has other contents, is used by another process or belongs to another plan;
    ///   `FileError`.
    package init(_ folder: String, plan: [String], layout: RecordLayout) throws {
        (self.folder, self.layout) = (folder, layout)
        let path = Self.path(folder)
        let found = try Self.examine(folder)
        guard found != .finished else {
            throw FaceDatasetError("\(folder): the data set is finished")
        }
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw FaceDatasetError("\(folder): the folder cannot be created: \(error.localizedDescription)")
        }
        guard let lock = try FileLock(path: path + "/lock") else {
            throw FaceDatasetError("\(folder): another process is building this data set")
        }
        self.lock = lock
        if found == .unfinished {
            try Self.compare(try Self.plan(in: folder), with: plan, folder)
        } else {
            try AtomicFile.write(Array(try JSONEncoder().encode(plan)), to: path + "/plan.json")
        }
        let (last, length) = try Self.lastState(path + "/journal")
        state = last
        journal = try AppendFile(path: path + "/journal", keeping: length)
        pictures = try AppendFile(path: path + "/pictures", keeping: last?.bytes ?? 0)
        records = try AppendFile(
            path: path + "/records", keeping: (last?.records ?? 0) * layout.byteCount)
    }

    private static func compare(_ old: [String], with new: [String], _ folder: String) throws {
        guard old != new else { return }
        let changed = zip(old, new).first { $0 != $1 }
        let what = changed.map { "\($0.0), now \($0.1)" } ?? "\(old.count) and \(new.count) settings"
        throw FaceDatasetError(
            "\(folder): the folder has an unfinished data set of another command (\(what)); repeat that command, or "
                + "choose another folder with --out")
    }

    /// Last valid line of the journal, and the length of the journal up to its end.
    private static func lastState(_ path: String) throws -> (State?, Int) {
        guard FileManager.default.fileExists(atPath: path) else { return (nil, 0) }
        let file = try MappedFile(path: path)
        var (last, end): (State?, Int) = (nil, 0)
        let bytes = try file.bytes(file.all)
        var start = 0
        while let newline = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
            guard let state = state(ofLine: Array(bytes[start..<newline])) else { break }
            (last, end, start) = (state, newline + 1, newline + 1)
        }
        return (last, end)
    }

    /// State of a line: its checksum, a space, JSON.
    private static func state(ofLine line: [UInt8]) -> State? {
        guard line.count > 9, line[8] == 0x20,
            UInt32(String(decoding: line[..<8], as: UTF8.self), radix: 16)
                == Digest.crc32(Array(line[9...]))
        else { return nil }
        return try? JSONDecoder().decode(State.self, from: Data(line[9...]))
    }

    // MARK: Appending

    /// Appends the pictures of a chunk. The state is on the disk when the call returns.
    /// - Parameters:
    ///   - pngs: PNG files of the accepted pictures.
    ///   - accepted: their records; the byte ranges are assigned.
    ///   - chunks: number of processed chunks.
    ///   - counts: counts after the chunk.
    /// - Throws: `FileError`.
    package func commit(_ pngs: [[UInt8]], _ accepted: [FaceRecord], chunks: Int, counts: Selection.Counts)
        throws
    {
        var encoded: [UInt8] = []
        var position = pictures.count
        for (png, record) in zip(pngs, accepted) {
            var record = record
            record.range = position..<position + png.count
            record.file = Digest.sha256(png)
            position += png.count
            encoded += layout.encode(record)
        }
        try pictures.append(pngs.flatMap(\.self))
        try records.append(encoded)
        try pictures.flush()
        try records.flush()
        let next = State(
            chunks: chunks, records: records.count / layout.byteCount, bytes: pictures.count,
            counts: counts)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let json = Array(try encoder.encode(next))
        let crc = String(Digest.crc32(json), radix: 16)
        let sum = String(repeating: "0", count: 8 - crc.count) + crc
        try journal.append(Array(sum.utf8) + [0x20] + json + [0x0A])
        try journal.flush()
        state = next
    }

    // MARK: Reading

    /// Reader of the accepted pictures.
    /// - Throws: `FileError`.
    package func contents() throws -> RecordedFaces {
        try RecordedFaces(
            pictures: FileReader(path: path + "/pictures"), records: FileReader(path: path + "/records"),
            count: state?.records ?? 0, layout: layout)
    }

    // MARK: Finishing

    /// Creates an empty folder for the outputs, and removes outputs that an interrupted call moved already.
    /// - Parameter names: files and folders of the data set.
    /// - Throws: `FaceDatasetError`.
    func prepareOutputs(_ names: [String]) throws {
        try Self.files(folder) {
            for entry in [outputs] + names.map({ folder + "/" + $0 })
            where FileManager.default.fileExists(atPath: entry) {
                try FileManager.default.removeItem(atPath: entry)
            }
            try FileManager.default.createDirectory(atPath: outputs, withIntermediateDirectories: true)
        }
    }

    /// Moves the outputs into the folder of the data set, the manifest last, and removes this folder.
    /// - Throws: `FaceDatasetError`.
    func finish() throws {
        try Self.files(folder) {
            let names = try FileManager.default.contentsOfDirectory(atPath: outputs).sorted()
            for name in names.filter({ $0 != Self.manifest }) + [Self.manifest] {
                try FileManager.default.moveItem(atPath: outputs + "/" + name, toPath: folder + "/" + name)
            }
            try FileManager.default.removeItem(atPath: path)
        }
    }

    /// Removes what an interrupted call left in the folder of a finished data set.
    static func removeRemains(_ folder: String) throws {
        try files(folder) {
            guard FileManager.default.fileExists(atPath: path(folder)) else { return }
            try FileManager.default.removeItem(atPath: path(folder))
        }
    }

    private static func files(_ folder: String, _ body: () throws -> Void) throws {
        do { try body() } catch let error as CocoaError {
            throw FaceDatasetError(
                "\(folder): the data set cannot be written: \(error.localizedDescription): check the free space and "
                    + "the permissions, and repeat the command")
        }
    }
}

/// Accepted pictures in their order. Any number of threads may read.
package struct RecordedFaces: Sendable {
    private let pictures: FileReader
    private let records: FileReader
    /// Number of pictures.
    package let count: Int
    let layout: RecordLayout

    init(pictures: FileReader, records: FileReader, count: Int, layout: RecordLayout) {
        (self.pictures, self.records, self.count, self.layout) = (pictures, records, count, layout)
    }

    /// Record of a picture.
    /// - Throws: `FileError` if the file is damaged.
    package func record(_ index: Int) throws -> FaceRecord {
        let bytes = try read(records, index * layout.byteCount..<(index + 1) * layout.byteCount)
        guard let record = layout.decode(bytes) else {
            throw FileError(
                path: records.path, what: "the record \(index) is damaged",
                advice: "Delete the folder of the data set and build it again.")
        }
        return record
    }

    /// PNG of a record.
    /// - Throws: `FileError` if the file is damaged.
    package func png(_ record: FaceRecord) throws -> [UInt8] {
        let bytes = try read(pictures, record.range)
        guard Digest.sha256(bytes) == record.file else {
            throw FileError(
                path: pictures.path, what: "the picture of seed \(record.seed) does not match its checksum",
                advice: "Delete the folder of the data set and build it again.")
        }
        return bytes
    }

    /// Picture of a record, with its mark.
    /// - Throws: `FileError` if the file is damaged; `ImagingError`.
    func image(_ record: FaceRecord) throws -> SyntheticImage {
        let png = try png(record)
        guard let origin = Provenance.read(png) else {
            throw FileError(path: pictures.path, what: "the picture of seed \(record.seed) has no mark")
        }
        return SyntheticImage(picture: try PictureDecoder.decode(png).picture, origin: origin)
    }

    private func read(_ file: FileReader, _ range: Range<Int>) throws -> [UInt8] {
        // Pictures have at most 4 GiB; a damaged record must not allocate more than its file has.
        guard range.count <= 1 << 28 else {
            throw FileError(path: file.path, what: "a record states \(range.count) bytes")
        }
        var failure: (any Error)?
        let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, written in
            do {
                try file.read(
                    UnsafeMutableRawBufferPointer(
                        UnsafeMutableBufferPointer(rebasing: buffer[..<range.count])),
                    at: range.lowerBound)
                written = range.count
            } catch {
                failure = error
                written = 0
            }
        }
        if let failure { throw failure }
        return bytes
    }
}
