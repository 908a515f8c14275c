import Files
import Foundation
import Provenance

/// Films through ffmpeg.
enum Film {
    /// Writes an mp4 of 24 frames a second. Throws when ffmpeg is missing or fails.
    static func writeMP4(_ frames: [SyntheticImage], to path: String) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "facegan-\(UUID().uuidString)"
        ).path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for (index, frame) in frames.enumerated() {
            try AtomicFile.write(try frame.png(compression: 1), to: "\(folder)/\(index).png", durably: false)
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "ffmpeg", "-loglevel", "error", "-y", "-framerate", "24", "-i", "\(folder)/%d.png", "-pix_fmt",
            "yuv420p",
            // The digital source type of generated media, where a film can say it.
            "-metadata",
            "comment=trainedAlgorithmicMedia \(frames[0].origin.software) \(frames[0].origin.model)", path,
        ]
        do { try process.run() } catch { throw Self.missing }
        process.waitUntilExit()
        if process.terminationStatus == 127 { throw Self.missing }
        guard process.terminationStatus == 0 else {
            throw CommandError(
                "\(path): ffmpeg could not write the film (exit status \(process.terminationStatus)).")
        }
    }

    private static let missing = CommandError(
        "mp4 needs ffmpeg (Debian: apt install ffmpeg). A film as animated PNG needs nothing: --out walk.png")
}
