import Synchronization

/// Requests to end file work that can take long: listing a folder, reading an archive, waiting for the reader of a pipe.
public enum FileCancellation {
    /// A struct, because a generic container adds a layer of conversion to a bare function with every access.
    private struct Request: Sendable {
        let isMade: @Sendable () -> Bool
    }

    private static let request = Mutex(Request { false })

    /// Sets the function that reports a request to end the program, such as Ctrl-C.
    public static func setRequest(_ isRequested: @escaping @Sendable () -> Bool) {
        request.withLock { $0 = Request(isMade: isRequested) }
    }

    /// Ends work that a request or the cancellation of its task concerns.
    /// - Throws: `CancellationError` after a request, or in a cancelled task.
    public static func check() throws {
        try checkRequest()
        try Task.checkCancellation()
    }

    /// - Throws: `CancellationError` after a request. A cancelled task may still write its results.
    static func checkRequest() throws {
        if request.withLock({ $0 }).isMade() { throw CancellationError() }
    }
}
