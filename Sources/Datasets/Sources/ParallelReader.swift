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
        let line = Line<R>(count: indices.count, window: max(64, threads * 16))
        defer { line.stop() }
        if source.readsInOrder {
            line.start { line.feed(from: source, indices: indices, size: size) }
            for _ in 0..<max(1, threads) { line.start { line.workOnFed(work, indices: indices) } }
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
        for position in 0..<indices.count {
            guard try deliver(indices[position], line.take(position)) else { return }
        }
    }
}

/// What the threads of one run share. Positions are handed out in order, and nobody runs ahead of the caller by more than
/// the window, so that memory stays bounded.
private final class Line<R: Sendable>: @unchecked Sendable {
    private let count: Int
    private let window: Int
    private let condition = NSCondition()
    // Guarded by the condition.
    private var claimed = 0
    private var taken = 0
    private var fed: [Int: Result<PictureContent, any Error>] = [:]
    private var done: [Int: R] = [:]
    private var failure: (any Error)?
    private var isStopped = false
    private var running = 0

    init(count: Int, window: Int) {
        self.count = count
        self.window = window
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

    func take(_ position: Int) throws -> R {
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let result = done.removeValue(forKey: position) {
                taken = position + 1
                condition.broadcast()
                return result
            }
            if let failure, running == 0 { throw failure }
            condition.wait()
        }
    }

    /// For sources with random access: every thread claims the next position and reads it itself.
    func workOnClaimed(_ body: (Int) -> R) {
        while let position = claim() {
            let result = body(position)
            locked { done[position] = result }
        }
    }

    /// For archives that can only be read from front to back: one thread reads, the others decode.
    func feed(from source: any PictureSource, indices: [Int], size: Int) {
        var position = 0
        do {
            try source.forEach(size: size) { index, content in
                guard position < count else { return false }
                guard index == indices[position] else { return true }
                condition.lock()
                defer { condition.unlock() }
                while position - taken >= window, !isStopped { condition.wait() }
                fed[position] = content
                position += 1
                condition.broadcast()
                return !isStopped
            }
            if position < count {
                throw DataError("\(source.name): the archive ends before its last picture")
            }
        } catch {
            locked { failure = error }
        }
    }

    func workOnFed(_ work: (Int, Result<PictureContent, any Error>) -> R, indices: [Int]) {
        while let (position, content) = claimFed() {
            let result = work(indices[position], content)
            locked { done[position] = result }
        }
    }

    private func claim() -> Int? {
        condition.lock()
        defer { condition.unlock() }
        while claimed < count, claimed - taken >= window, !isStopped { condition.wait() }
        guard claimed < count, !isStopped else { return nil }
        claimed += 1
        return claimed - 1
    }

    private func claimFed() -> (Int, Result<PictureContent, any Error>)? {
        condition.lock()
        defer { condition.unlock() }
        while !isStopped, claimed < count {
            if let content = fed.removeValue(forKey: claimed) {
                claimed += 1
                return (claimed - 1, content)
            }
            // What was fed before the archive broke is still worked on.
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
