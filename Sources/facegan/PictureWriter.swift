import Foundation
import Provenance
import Synchronization

/// Encodes and writes pictures on other threads, while the next ones are being made.
final class PictureWriter: Sendable {
    private let queue = DispatchQueue(label: "pictures", attributes: .concurrent)
    private let group = DispatchGroup()
    private let slots: DispatchSemaphore
    private let failure = Mutex<(any Error)?>(nil)
    private let progress: @Sendable (Int) -> Void
    private let done = Mutex(0)

    /// - Parameter progress: gets how many are written; on any thread.
    init(
        threads: Int = ProcessInfo.processInfo.activeProcessorCount,
        progress: @escaping @Sendable (Int) -> Void
    ) {
        // Waiting pictures cost memory, a thread without one time.
        slots = DispatchSemaphore(value: 2 * max(1, threads))
        self.progress = progress
    }

    /// Pictures that are on the disk.
    var written: Int { done.withLock { $0 } }

    /// Hands pictures over; waits while too many are under way.
    /// - Throws: what went wrong with an earlier one.
    func write(_ pictures: [(file: PictureFile, image: SyntheticImage)]) throws {
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

    /// Waits until all are written.
    /// - Throws: what went wrong with one of them.
    func finish() throws {
        group.wait()
        try check()
    }

    private func check() throws { if let error = failure.withLock({ $0 }) { throw error } }
}
