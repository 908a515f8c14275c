import Foundation

/// Serial executor that runs all its jobs on one thread of its own.
///
/// libtorch keeps the gradient mode, the autocast mode and the thread team of OpenMP per thread. An actor on this executor
/// therefore always finds the same engine state, and does not block threads of Swift's concurrency pool.
public final class EngineThread: SerialExecutor {
    private let queue: JobQueue

    /// - Parameter name: name of the thread in debuggers.
    public init(name: String = "FaceGAN engine") {
        let queue = JobQueue()
        self.queue = queue
        let thread = Thread {
            queue.markAsCurrent()
            while let (job, executor) = queue.next() { job.runSynchronously(on: executor) }
        }
        thread.name = name
        thread.stackSize = 16 << 20
        thread.start()
    }

    deinit { queue.close() }

    /// Adds a job to the queue of the thread.
    public func enqueue(_ job: consuming ExecutorJob) {
        queue.add(UnownedJob(job), asUnownedSerialExecutor())
    }

    /// Reference for `unownedExecutor` of an actor.
    public func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

    /// Traps if the caller runs on another thread.
    public func checkIsolated() {
        precondition(queue.isCurrent, "EngineThread: expected the engine thread, got another thread")
    }
}

/// Jobs in the order of their arrival. Its thread keeps it alive, and ends when it is closed and empty.
private final class JobQueue: @unchecked Sendable {
    private let condition = NSCondition()
    // Guarded by the condition.
    private var jobs: [(UnownedJob, UnownedSerialExecutor)] = []
    private var first = 0
    private var isClosed = false
    private var thread: Thread?

    func markAsCurrent() { condition.withLock { thread = Thread.current } }

    var isCurrent: Bool { condition.withLock { thread === Thread.current } }

    func add(_ job: UnownedJob, _ executor: UnownedSerialExecutor) {
        condition.withLock {
            jobs.append((job, executor))
            condition.signal()
        }
    }

    /// The next job; waits for one. nil when the queue is closed and empty.
    func next() -> (UnownedJob, UnownedSerialExecutor)? {
        condition.lock()
        defer { condition.unlock() }
        while first == jobs.count {
            if isClosed { return nil }
            condition.wait()
        }
        let job = jobs[first]
        first += 1
        if first == jobs.count {
            jobs.removeAll(keepingCapacity: true)
            first = 0
        }
        return job
    }

    func close() {
        condition.withLock {
            isClosed = true
            condition.signal()
        }
    }
}
