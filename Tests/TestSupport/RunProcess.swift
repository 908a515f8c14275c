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
    try RunningProcess(executable, arguments, environment: environment, folder: folder).wait(seconds: seconds)
}
