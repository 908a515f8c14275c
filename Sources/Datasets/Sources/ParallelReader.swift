import Files

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
        // Threads process several pictures at a time to reduce wake-ups. Pictures that are read ahead are held in
        // memory, so they are counted one by one.
        let chunk = source.readsInOrder ? 1 : max(1, min(8, indices.count / (4 * max(1, threads))))
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
private final class ChunkQueue<R: Sendable>: Sendable {
    private struct State {
        var claimed = 0
        var taken = 0
        var fed: [Int: [Result<PictureContent, any Error>]] = [:]
        /// Size of the contents in `fed`.
        var fedBytes = 0
        var done: [Int: [R]] = [:]
        var failure: (any Error)?
    }

    let chunkCount: Int
    private let count: Int
    private let chunk: Int
    private let window: Int
    private let threads = WorkerThreads(State())

    /// Maximum size of the contents that are read ahead, except for a single larger one.
    private static var byteLimit: Int { 1 << 28 }

    init(count: Int, chunk: Int, window: Int) {
        self.count = count
        self.chunk = chunk
        self.window = window
        chunkCount = (count + chunk - 1) / chunk
    }

    func start(_ body: @escaping @Sendable () -> Void) { threads.start(stackSize: 4 << 20, body) }

    /// Stops all threads and waits for them. No thread reads the source afterwards.
    func stop() { threads.stop() }

    /// Waits for the results of a chunk. Results computed before an archive error are still delivered.
    func take(_ number: Int) throws -> [R] {
        let results: [R]? = try threads.wait(wakingOthers: true) { state, running in
            if let results = state.done.removeValue(forKey: number) {
                state.taken = number + 1
                return .value(results)
            }
            if let failure = state.failure, running == 0 { throw failure }
            return .notYet
        }
        guard let results else { preconditionFailure("ChunkQueue.take: expected running threads") }
        return results
    }

    /// For sources with random access: each thread claims the next chunk and reads it.
    func workOnClaimed(_ body: (Int) -> R) {
        while let number = claim() {
            let results = positions(number).map(body)
            threads.update { $0.done[number] = results }
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
            threads.update { $0.failure = error }
        }
    }

    /// Processing loop for sequential archives.
    func workOnFed(_ body: (Int, Result<PictureContent, any Error>) -> R) {
        while let (number, contents) = claimFed() {
            let results = zip(positions(number), contents).map(body)
            threads.update { $0.done[number] = results }
        }
    }

    private func positions(_ number: Int) -> Range<Int> {
        (number * chunk)..<min(count, (number + 1) * chunk)
    }

    /// Passes a chunk to the decoding threads. Returns false after `stop()`.
    private func hand(_ pending: inout [Result<PictureContent, any Error>], _ number: Int) -> Bool {
        let contents = pending
        pending.removeAll(keepingCapacity: true)
        let size = Self.size(contents)
        return threads.wait(wakingOthers: true) { state, _ in
            guard number - state.taken < window, state.fed.isEmpty || state.fedBytes + size <= Self.byteLimit
            else { return .notYet }
            state.fed[number] = contents
            state.fedBytes += size
            return .value(true)
        } ?? false
    }

    private static func size(_ contents: [Result<PictureContent, any Error>]) -> Int {
        contents.reduce(0) { sum, content in
            if case .success(.encoded(let bytes)) = content { sum + bytes.count } else { sum }
        }
    }

    private func claim() -> Int? {
        threads.wait { state, _ in
            guard state.claimed < chunkCount else { return .value(nil) }
            guard state.claimed - state.taken < window else { return .notYet }
            state.claimed += 1
            return .value(state.claimed - 1)
        }
    }

    private func claimFed() -> (Int, [Result<PictureContent, any Error>])? {
        threads.wait(wakingOthers: true) { state, _ in
            guard state.claimed < chunkCount else { return .value(nil) }
            if let contents = state.fed.removeValue(forKey: state.claimed) {
                state.claimed += 1
                state.fedBytes -= Self.size(contents)
                return .value((state.claimed - 1, contents))
            }
            return state.failure != nil ? .value(nil) : .notYet
        }
    }
}
