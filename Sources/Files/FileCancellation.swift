import Synchronization

/// Requests to end file work that can take long: listing a folder, reading an archive, waiting for the reader of a pipe.
public enum FileCancellation {
    private static let request = Mutex<@Sendable () -> Bool>({ false })

    /// Sets the function that reports a request to end the program, such as Ctrl-C.
    public static func setRequest(_ isRequested: @escaping @Sendable () -> Bool) {
        request.withLock { $0 = isRequested }
    }

    /// Ends work that a request or the cancellation of its task concerns.
    /// - Throws: `CancellationError` after a request, or in a cancelled task.
    public static func check() throws {
        try checkRequest()
        try Task.checkCancellation()
    }

    /// - Throws: `CancellationError` after a request. A cancelled task may still write its results.
    static func checkRequest() throws {
        if request.withLock({ $0 })() { throw CancellationError() }
    }
}
