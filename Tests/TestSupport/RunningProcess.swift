import Foundation

/// A program that runs beside the test.
public final class RunningProcess {
    private let process = Process()
    private let place: TemporaryFolder
    private let ended = DispatchSemaphore(value: 0)

    /// Starts it; for the parameters see `runProcess`.
    public init(
        _ executable: String, _ arguments: [String] = [], environment: [String: String] = [:],
        folder: String? = nil
    ) throws {
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.currentDirectoryURL = URL(fileURLWithPath: folder ?? packageRoot())
        process.standardInput = FileHandle.nullDevice
        // Files instead of pipes: a full pipe would stop the program.
        place = try TemporaryFolder()
        let output = FileHandle(forWritingAtPath: try place.write("", to: "output"))
        let errors = FileHandle(forWritingAtPath: try place.write("", to: "errors"))
        // The program has descriptors of its own. Foundation keeps the handles of ended programs, and it crashes once a
        // process has more than 1,024 descriptors.
        defer { [output, errors].forEach { try? $0?.close() } }
        (process.standardOutput, process.standardError) = (output, errors)
        process.terminationHandler = { [ended] _ in ended.signal() }
        try Self.withSignals { try process.run() }
    }

    /// Runs a closure on a thread that accepts signals. A program inherits the blocked signals of the thread that starts it, and
    /// threads of a dispatch queue block them.
    private static func withSignals(_ body: () throws -> Void) rethrows {
        var (all, before) = (sigset_t(), sigset_t())
        sigfillset(&all)
        pthread_sigmask(SIG_UNBLOCK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try body()
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    public var isRunning: Bool { process.isRunning }

    /// Sends a signal, such as SIGINT.
    public func send(_ signal: Int32) { if process.isRunning { kill(process.processIdentifier, signal) } }

    /// Waits for the end, at most `seconds`.
    /// - Returns: whether the program ended.
    public func ends(within seconds: Double) -> Bool {
        guard ended.wait(timeout: .now() + seconds) == .success else { return false }
        ended.signal()
        return true
    }

    /// Waits for the end; after `seconds` the program is killed and the result says 137.
    public func wait(seconds: Double = 120) -> ProcessResult {
        if ended.wait(timeout: .now() + seconds) == .timedOut {
            kill(process.processIdentifier, SIGKILL)
            ended.wait()
        }
        ended.signal()
        let status = process.terminationStatus
        return ProcessResult(
            status: process.terminationReason == .uncaughtSignal ? 128 + status : status,
            output: text("output"), errors: text("errors"))
    }

    private func text(_ name: String) -> String {
        String(decoding: FileManager.default.contents(atPath: place.file(name)) ?? Data(), as: UTF8.self)
    }
}
