import Files
import Foundation
import Provenance

/// Film files of generated pictures.
public enum Film {
    /// Duration of a frame of an animated PNG, in milliseconds.
    public static let millisecondsPerFrame = 42

    /// Writes a film: mp4 for a path that ends in `.mp4`, else animated PNG. About 24 frames per second.
    /// - Parameters:
    ///   - frames: 1 or more pictures of one size.
    ///   - path: path of the file.
    /// - Throws: `SynthesisError` if mp4 is requested and ffmpeg is missing or fails; `FileError`; `ImagingError`.
    public static func write(_ frames: [SyntheticImage], to path: String) throws {
        if path.lowercased().hasSuffix(".mp4") { return try writeMP4(frames, to: path) }
        try AtomicFile.write(
            try SyntheticImage.film(frames, millisecondsPerFrame: millisecondsPerFrame), to: path)
    }

    /// Writes mp4 with 24 frames per second through the program ffmpeg.
    private static func writeMP4(_ frames: [SyntheticImage], to path: String) throws {
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
            // mp4 has no XMP here: the comment carries the digital source type of generated media.
            "-metadata",
            "comment=trainedAlgorithmicMedia \(frames[0].origin.software) \(frames[0].origin.model)",
            "-f", "mp4", "\(folder)/film.mp4",
        ]
        do { try process.run() } catch { throw Self.missing }
        process.waitUntilExit()
        if process.terminationStatus == 127 { throw Self.missing }
        guard process.terminationStatus == 0 else {
            throw SynthesisError(
                "\(path): ffmpeg could not write the film (exit status \(process.terminationStatus)).")
        }
        // A failure of ffmpeg does not damage an existing film.
        let film = try MappedFile(path: "\(folder)/film.mp4")
        try AtomicFile.write(try film.bytes(0..<film.count), to: path)
    }

    private static let missing = SynthesisError(
        "mp4 requires the program ffmpeg (Debian: apt install ffmpeg). Animated PNG does not: --out walk.png")
}
