import Files
import Foundation
import Provenance
import Synchronization

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
    private let queue = DispatchQueue(label: "pictures", attributes: .concurrent)
    private let group = DispatchGroup()
    private let slots: DispatchSemaphore
    private let failure = Mutex<(any Error)?>(nil)
    private let progress: @Sendable (Int) -> Void
    private let done = Mutex(0)

    /// - Parameters:
    ///   - threads: number of encoding threads.
    ///   - progress: called with the number of written pictures, on any thread.
    public init(
        threads: Int = ProcessInfo.processInfo.activeProcessorCount,
        progress: @escaping @Sendable (Int) -> Void
    ) {
        // Waiting pictures use memory; fewer than one for each thread leaves threads idle.
        slots = DispatchSemaphore(value: 2 * max(1, threads))
        self.progress = progress
    }

    /// Number of written pictures.
    public var written: Int { done.withLock { $0 } }

    /// Adds pictures. Waits while too many are in progress.
    /// - Parameter pictures: files and their pictures; one thread writes all of them.
    /// - Throws: the first error of an earlier picture.
    public func write(_ pictures: [(file: PictureFile, image: SyntheticImage)]) throws {
        try check()
        slots.wait()
        queue.async(group: group) { [self] in
            defer { slots.signal() }
            do {
                for (file, image) in pictures { try file.write(image) }
                let count = done.withLock { done in
                    done += pictures.count
                    return done
                }
                progress(count)
            } catch {
                failure.withLock { $0 = $0 ?? error }
            }
        }
    }

    /// Waits until all pictures are written.
    /// - Throws: the first error of a picture.
    public func finish() throws {
        group.wait()
        try check()
    }

    private func check() throws { if let error = failure.withLock({ $0 }) { throw error } }
}
