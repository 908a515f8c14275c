import Foundation

/// What a program left behind.
public struct ProcessResult: Sendable {
    /// The exit status, or the signal's number plus 128 if a signal ended it.
    public let status: Int32
    public let output: String
    public let errors: String
}

/// Runs a program to its end.
/// - Parameters:
///   - executable: an absolute path.
///   - environment: replaces single variables; the rest is inherited.
///   - folder: the working directory; by default the package's root.
///   - seconds: after this long the program is killed and the result says 137.
public func runProcess(
    _ executable: String, _ arguments: [String] = [], environment: [String: String] = [:],
    folder: String? = nil, seconds: Double = 120
) throws -> ProcessResult {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: executable)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.currentDirectoryURL = URL(fileURLWithPath: folder ?? packageRoot())
    process.standardInput = FileHandle.nullDevice
    // Files instead of pipes: a full pipe would stop the program.
    let place = try TemporaryFolder()
    let output = try place.write("", to: "output")
    let errors = try place.write("", to: "errors")
    process.standardOutput = FileHandle(forWritingAtPath: output)
    process.standardError = FileHandle(forWritingAtPath: errors)
    let ended = DispatchSemaphore(value: 0)
    process.terminationHandler = { _ in ended.signal() }
    try process.run()
    if ended.wait(timeout: .now() + seconds) == .timedOut {
        kill(process.processIdentifier, SIGKILL)
        ended.wait()
    }
    let status = process.terminationStatus
    return ProcessResult(
        status: process.terminationReason == .uncaughtSignal ? 128 + status : status,
        output: String(decoding: FileManager.default.contents(atPath: output) ?? Data(), as: UTF8.self),
        errors: String(decoding: FileManager.default.contents(atPath: errors) ?? Data(), as: UTF8.self))
}
