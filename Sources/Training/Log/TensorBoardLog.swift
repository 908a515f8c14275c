import Files
import Foundation

/// Event files for TensorBoard: scalars, pictures and text.
///
/// Every session of a run writes a file of its own. The file of a resumed session begins by saying from which
/// step on the files before it do not count, so that TensorBoard forgets what the checkpoint does not know.
public final class TensorBoardLog {
    private let file: AppendingFile
    private let now: () -> Double

    /// The event file of this session.
    public var path: String { file.path }

    /// Begins an event file.
    ///
    /// - Parameters:
    ///   - folder: it is made if needed.
    ///   - step: the step of the checkpoint that training resumes from; nil for a run that begins.
    ///   - now: seconds since 1970.
    /// - Throws: `FileError` when the folder cannot be written.
    public init(
        folder: String, resumingAt step: Int?, now: @escaping () -> Double = { Date().timeIntervalSince1970 }
    ) throws {
        self.now = now
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw FileError(
                path: folder, what: "the folder for event files cannot be made",
                advice: "Check that the folder above it may be written.")
        }
        let path = folder + "/" + Self.name(at: now(), in: folder)
        file = try AppendingFile(path: path, keeping: 0)
        try write(step: 0, .fileVersion)
        // The first of these in a run has no effect, so the first session writes one, too.
        try write(step: step.map { $0 + 1 } ?? 0, .sessionStart)
    }

    /// Adds points to curves; tags with a common part before `/` share a panel.
    ///
    /// - Throws: `FileError`, as when the disk is full.
    public func scalars(_ values: [(tag: String, value: Double)], step: Int) throws {
        guard !values.isEmpty else { return }
        try write(step: step, .scalars(values.map { ($0.tag, Float($0.value)) }))
    }

    /// Adds a picture in RGB.
    ///
    /// - Throws: `FileError`, as when the disk is full.
    public func image(_ tag: String, png: [UInt8], width: Int, height: Int, step: Int) throws {
        try write(step: step, .image(tag: tag, png: png, width: width, height: height))
    }

    /// Adds a text in Markdown.
    ///
    /// - Throws: `FileError`, as when the disk is full.
    public func text(_ tag: String, _ markdown: String, step: Int) throws {
        try write(step: step, .text(tag: tag, markdown))
    }

    private func write(step: Int, _ content: TensorBoardEvent.Content) throws {
        try file.append(TensorBoardEvent(wallTime: now(), step: step, content: content).framed)
    }

    /// TensorBoard reads the files of a folder in the order of their names: ours must come last.
    private static func name(at time: Double, in folder: String) -> String {
        let prefix = "events.out.tfevents."
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let used = names.compactMap { name -> Int? in
            guard name.hasPrefix(prefix) else { return nil }
            return Int(name.dropFirst(prefix.count).prefix { $0 != "." })
        }
        let second = max(Int(time.rounded(.down)), (used.max() ?? 0) + 1, 0)
        return prefix + String(format: "%010d", second) + ".facegan"
    }
}
