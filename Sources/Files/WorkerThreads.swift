import Foundation

/// Pool of worker threads with shared state under one lock.
///
/// Threads wait for changes of the state with `wait(wakingOthers:_:)`. `stop()` ends all waits and all threads. The threads
/// do not retain the owner of the pool if their bodies do not; the owner stops the pool when it is released.
package final class WorkerThreads<State>: @unchecked Sendable {
    /// Outcome of one look at the state.
    package enum Outcome<Value> {
        /// The state does not allow a result yet.
        case notYet
        /// A result; nil ends the wait without one.
        case value(Value?)
    }

    private let condition = NSCondition()
    // Protected by the condition.
    private var state: State
    private var running = 0
    private var isStopped = false

    /// - Parameter state: initial state.
    package init(_ state: State) { self.state = state }

    /// Starts threads.
    /// - Parameters:
    ///   - count: number of threads.
    ///   - stackSize: size of their stacks, in bytes.
    ///   - body: work of a thread. It should end when a wait returns nil.
    package func start(_ count: Int = 1, stackSize: Int, _ body: @escaping @Sendable () -> Void) {
        condition.withLock { running += count }
        for _ in 0..<count {
            let thread = Thread {
                body()
                self.condition.withLock {
                    self.running -= 1
                    self.condition.broadcast()
                }
            }
            thread.stackSize = stackSize
            thread.start()
        }
    }

    /// Ends all waits, and waits until all threads have ended. Must not be called on a thread of the pool.
    package func stop() {
        condition.withLock {
            isStopped = true
            condition.broadcast()
            while running > 0 { condition.wait() }
        }
    }

    /// Reads the state.
    package func read<Value>(_ body: (State) throws -> Value) rethrows -> Value {
        try condition.withLock { try body(state) }
    }

    /// Changes the state and wakes all waiting threads.
    package func update<Value>(_ body: (inout State) throws -> Value) rethrows -> Value {
        try condition.withLock {
            defer { condition.broadcast() }
            return try body(&state)
        }
    }

    /// Waits until the state allows a result.
    /// - Parameters:
    ///   - wakingOthers: whether the result changes the state in a way that other threads wait for.
    ///   - body: looks at the state, and may change it for a result. Also gets the number of running threads. Called under the
    ///     lock, once and then after every change.
    /// - Returns: the result; nil after `stop()` and for `.value(nil)`.
    package func wait<Value>(
        wakingOthers: Bool = false, _ body: (inout State, _ running: Int) throws -> Outcome<Value>
    ) rethrows -> Value? {
        try condition.withLock {
            while !isStopped {
                if case .value(let value) = try body(&state, running) {
                    if wakingOthers { condition.broadcast() }
                    return value
                }
                condition.wait()
            }
            return nil
        }
    }
}
