import Foundation

/// Reads a source on many threads and hands the results out in order on the caller's thread.
enum ParallelReader {
    /// - Parameters:
    ///   - indices: which pictures, ascending.
    ///   - size: the wish for sources that draw their pictures, in pixels.
    ///   - work: what to make of a picture's content; runs on many threads at once.
    ///   - deliver: gets the results in the order of `indices`, on the caller's thread; returns false to stop.
    /// - Throws: what `deliver` throws, or what ended the reading of the archive as a whole.
    static func run<R: Sendable>(
        _ source: any PictureSource, indices: [Int], size: Int, threads: Int,
        work: @escaping @Sendable (Int, Result<PictureContent, any Error>) -> R,
        deliver: (Int, R) throws -> Bool
    ) throws {
        // Threads take several pictures at a time, which costs fewer wake-ups.
        let chunk = max(1, min(8, indices.count / (4 * max(1, threads))))
        let line = Line<R>(count: indices.count, chunk: chunk, window: 16 * max(1, threads))
        defer { line.stop() }
        if source.readsInOrder {
            line.start { line.feed(from: source, indices: indices, size: size) }
            for _ in 0..<max(1, threads) { line.start { line.workOnFed { work(indices[$0], $1) } } }
        } else {
            for _ in 0..<max(1, threads) {
                line.start {
                    line.workOnClaimed { position in
                        let index = indices[position]
                        return work(index, Result { try source.content(at: index, size: size) })
                    }
                }
            }
        }
        for number in 0..<line.chunkCount {
            for (offset, result) in try line.take(number).enumerated() {
                guard try deliver(indices[number * chunk + offset], result) else { return }
            }
        }
    }
}

/// What the threads of one run share. Chunks of positions are handed out in order, and nobody runs ahead of the caller by
/// more than the window of chunks, so that memory stays bounded.
private final class Line<R: Sendable>: @unchecked Sendable {
    let chunkCount: Int
    private let count: Int
    private let chunk: Int
    private let window: Int
    private let condition = NSCondition()
    // Guarded by the condition.
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

    /// Ends all threads and waits for them: nothing reads the source afterwards.
    func stop() {
        condition.lock()
        isStopped = true
        condition.broadcast()
        while running > 0 { condition.wait() }
        condition.unlock()
    }

    /// The results of a chunk. What was done before an archive broke still comes.
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

    /// For sources with random access: every thread claims the next chunk and reads it itself.
    func workOnClaimed(_ body: (Int) -> R) {
        while let number = claim() {
            let results = positions(number).map(body)
            locked { done[number] = results }
        }
    }

    /// For archives that can only be read from front to back: one thread reads, the others decode.
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

    func workOnFed(_ body: (Int, Result<PictureContent, any Error>) -> R) {
        while let (number, contents) = claimFed() {
            let results = zip(positions(number), contents).map(body)
            locked { done[number] = results }
        }
    }

    private func positions(_ number: Int) -> Range<Int> {
        (number * chunk)..<min(count, (number + 1) * chunk)
    }

    /// Passes a chunk to the decoding threads; false when there is nobody to pass it to.
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
