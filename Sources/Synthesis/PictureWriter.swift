import Files
import Foundation
import Provenance

/// File of a generated picture, and its format.
public struct PictureFile: Sendable {
    /// Format of a picture file.
    public enum Format: String, Sendable, CaseIterable {
        /// PNG, lossless.
        case png
        /// JPEG.
        case jpeg

        /// Extension of file names, without the dot.
        public var ending: String { self == .png ? "png" : "jpg" }
    }

    /// Path of the file.
    public let path: String
    /// Format of the file.
    public let format: Format

    /// - Parameters:
    ///   - path: path of the file.
    ///   - format: nil derives the format from the extension of the path.
    /// - Throws: `SynthesisError` if the extension contradicts the format, or if neither names a format.
    public init(path: String, format: Format?) throws {
        let name = path.split(separator: "/").last ?? ""
        let ending = name.contains(".") ? name.split(separator: ".").last.map { $0.lowercased() } : nil
        let named: [String: Format] = ["png": .png, "jpg": .jpeg, "jpeg": .jpeg]
        if let ending, let known = named[ending] {
            guard format == nil || format == known else {
                throw SynthesisError("--format \(format!.rawValue), but --out \(path) ends in .\(ending).")
            }
            self.format = known
        } else if let format {
            self.format = format
        } else {
            throw SynthesisError(
                "\(path): expected a file name that ends in .png or .jpg, or a folder that ends in / (--out \(path)/)."
            )
        }
        self.path = path
    }

    /// Writes the file atomically. Its metadata says that a model generated it.
    /// - Parameter image: picture with its mark.
    /// - Throws: `FileError`, `ImagingError`.
    public func write(_ image: SyntheticImage) throws {
        try AtomicFile.write(format == .png ? try image.png() : try image.jpeg(), to: path, durably: false)
    }
}

/// Encoder and writer of picture files on other threads, while the caller generates the next pictures.
public final class PictureWriter: Sendable {
    private typealias Job = [(file: PictureFile, image: SyntheticImage)]

    private struct State {
        var waiting: [Job] = []
        /// Jobs that are waiting or being written.
        var unfinished = 0
        var written = 0
        var failure: (any Error)?
    }

    private let workers = WorkerThreads(State())
    /// Limit of the unfinished jobs. Waiting pictures use memory; fewer than one for each thread leaves threads idle.
    private let limit: Int

    /// - Parameters:
    ///   - threads: number of encoding threads.
    ///   - progress: called with the number of written pictures, on any thread.
    public init(
        threads: Int = ProcessInfo.processInfo.activeProcessorCount,
        progress: @escaping @Sendable (Int) -> Void
    ) {
        limit = 2 * max(1, threads)
        // The threads do not retain the writer.
        workers.start(max(1, threads), stackSize: 4 << 20) { [workers] in
            while let job = Self.next(workers) {
                do {
                    for (file, image) in job { try file.write(image) }
                    let written = workers.update { state in
                        state.written += job.count
                        return state.written
                    }
                    progress(written)
                } catch {
                    workers.update { $0.failure = $0.failure ?? error }
                }
                workers.update { $0.unfinished -= 1 }
            }
        }
    }

    deinit { workers.stop() }

    private static func next(_ workers: WorkerThreads<State>) -> Job? {
        workers.wait { state, _ in state.waiting.isEmpty ? .notYet : .value(state.waiting.removeFirst()) }
    }

    /// Number of written pictures.
    public var written: Int { workers.read(\.written) }

    /// Adds pictures. Waits while too many are in progress.
    /// - Parameter pictures: files and their pictures; one thread writes all of them.
    /// - Throws: the first error of an earlier picture.
    public func write(_ pictures: [(file: PictureFile, image: SyntheticImage)]) throws {
        _ = try workers.wait(wakingOthers: true) { state, _ in
            if let failure = state.failure { throw failure }
            guard state.unfinished < limit else { return .notYet }
            state.unfinished += 1
            state.waiting.append(pictures)
            return .value(())
        }
    }

    /// Waits until all pictures are written.
    /// - Throws: the first error of a picture.
    public func finish() throws {
        let failure: (any Error)? = workers.wait { state, _ in
            state.unfinished == 0 ? .value(state.failure) : .notYet
        }
        if let failure { throw failure }
    }
}
