import Foundation

/// Parallel reading of a source with ordered delivery on the caller's thread.
enum ParallelReader {
    /// Reads pictures, processes them on several threads and delivers the results in order.
    /// - Parameters:
    ///   - source: the source to read.
    ///   - indices: the pictures to read, ascending.
    ///   - size: preferred size for sources that render their pictures, in pixels.
    ///   - threads: the number of processing threads.
    ///   - work: processes the content of a picture; called on several threads at once.
    ///   - deliver: receives the results in the order of `indices`, on the caller's thread; returns false to stop.
    /// - Throws: errors of `deliver`, or the error that ended the reading of the archive as a whole.
    static func run<R: Sendable>(
        _ source: any PictureSource, indices: [Int], size: Int, threads: Int,
        work: @escaping @Sendable (Int, Result<PictureContent, any Error>) -> R,
        deliver: (Int, R) throws -> Bool
    ) throws {
        // Threads process several pictures at a time to reduce wake-ups.
        let chunk = max(1, min(8, indices.count / (4 * max(1, threads))))
        let queue = ChunkQueue<R>(count: indices.count, chunk: chunk, window: 16 * max(1, threads))
        defer { queue.stop() }
        if source.readsInOrder {
            queue.start { queue.feed(from: source, indices: indices, size: size) }
            for _ in 0..<max(1, threads) { queue.start { queue.workOnFed { work(indices[$0], $1) } } }
        } else {
            for _ in 0..<max(1, threads) {
                queue.start {
                    queue.workOnClaimed { position in
                        let index = indices[position]
                        return work(index, Result { try source.content(at: index, size: size) })
                    }
                }
            }
        }
        for number in 0..<queue.chunkCount {
            for (offset, result) in try queue.take(number).enumerated() {
                guard try deliver(indices[number * chunk + offset], result) else { return }
            }
        }
    }
}

/// State shared by the threads of one run. Chunks of positions are processed in order. Threads are at most one window
/// of chunks ahead of the caller, so memory is bounded.
private final class ChunkQueue<R: Sendable>: @unchecked Sendable {
    let chunkCount: Int
    private let count: Int
    private let chunk: Int
    private let window: Int
    private let condition = NSCondition()
    // Protected by the condition.
    private var claimed = 0
    private var taken = 0
    private var fed: [Int: [Result<PictureContent, any Error>]] = [:]
    private var done: [Int: [R]] = [:]
    private var failure: (any Error)?
    private var isStopped = false
    private var running = 0

    init(count: Int, chunk: Int, window: Int) {
        self.count = count
        self.chunk = chunk
        self.window = window
        chunkCount = (count + chunk - 1) / chunk
    }

    func start(_ body: @escaping @Sendable () -> Void) {
        locked { running += 1 }
        let thread = Thread {
            body()
            self.locked { self.running -= 1 }
        }
        thread.stackSize = 4 << 20
        thread.start()
    }

    /// Stops all threads and waits for them. The source is not read afterwards.
    func stop() {
        condition.lock()
        isStopped = true
        condition.broadcast()
        while running > 0 { condition.wait() }
        condition.unlock()
    }

    /// Returns the results of a chunk. Chunks completed before an archive error are still returned.
    func take(_ number: Int) throws -> [R] {
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let results = done.removeValue(forKey: number) {
                taken = number + 1
                condition.broadcast()
                return results
            }
            if let failure, running == 0 { throw failure }
            condition.wait()
        }
    }

    /// Processing loop for sources with random access: each thread claims the next chunk and reads it.
    func workOnClaimed(_ body: (Int) -> R) {
        while let number = claim() {
            let results = positions(number).map(body)
            locked { done[number] = results }
        }
    }

    /// Reading loop for sequential archives: one thread reads, the others process.
    func feed(from source: any PictureSource, indices: [Int], size: Int) {
        var position = 0
        var pending: [Result<PictureContent, any Error>] = []
        do {
            try source.forEach(size: size) { index, content in
                guard position < count else { return false }
                guard index == indices[position] else { return true }
                position += 1
                pending.append(content)
                guard pending.count == chunk || position == count else { return true }
                return hand(&pending, (position - 1) / chunk)
            }
            if position < count {
                throw DataError("\(source.name): the archive ends before its last picture")
            }
        } catch {
            if !pending.isEmpty { _ = hand(&pending, (position - 1) / chunk) }
            locked { failure = error }
        }
    }

    /// Processing loop for sequential archives.
    func workOnFed(_ body: (Int, Result<PictureContent, any Error>) -> R) {
        while let (number, contents) = claimFed() {
            let results = zip(positions(number), contents).map(body)
            locked { done[number] = results }
        }
    }

    private func positions(_ number: Int) -> Range<Int> {
        (number * chunk)..<min(count, (number + 1) * chunk)
    }

    /// Passes a chunk to the processing threads. Returns false if the run was stopped.
    private func hand(_ pending: inout [Result<PictureContent, any Error>], _ number: Int) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        while number - taken >= window, !isStopped { condition.wait() }
        fed[number] = pending
        pending.removeAll(keepingCapacity: true)
        condition.broadcast()
        return !isStopped
    }

    private func claim() -> Int? {
        condition.lock()
        defer { condition.unlock() }
        while claimed < chunkCount, claimed - taken >= window, !isStopped { condition.wait() }
        guard claimed < chunkCount, !isStopped else { return nil }
        claimed += 1
        return claimed - 1
    }

    private func claimFed() -> (Int, [Result<PictureContent, any Error>])? {
        condition.lock()
        defer { condition.unlock() }
        while !isStopped, claimed < chunkCount {
            if let contents = fed.removeValue(forKey: claimed) {
                claimed += 1
                return (claimed - 1, contents)
            }
            if failure != nil { return nil }
            condition.wait()
        }
        return nil
    }

    private func locked(_ body: () -> Void) {
        condition.lock()
        body()
        condition.broadcast()
        condition.unlock()
    }
}
