/// The first out-of-memory error of a `recoveringFromOutOfMemory` scope.
final class RecoveryScope: @unchecked Sendable {
    @TaskLocal static var current: RecoveryScope?
    var error: TorchError?

    /// Whether the current scope has failed. Operators then compute nothing.
    static var hasFailed: Bool { current?.error != nil }
}

/// Runs `body` and throws `TorchError.outOfMemory`, instead of trapping, if a device runs out of memory.
///
/// After the first failure no operator in the scope computes anything. Operators return poisoned tensors, which report
/// the shape [1, 1, 1, 1], Float and the value NaN, and must not leave the scope. In-place changes made before the
/// failure remain.
/// - Throws: `TorchError.outOfMemory` if memory ran out, even if `body` threw another error or none; otherwise the
///   error that `body` throws.
public func recoveringFromOutOfMemory<Result>(_ body: () throws -> Result) throws -> Result {
    if let error = RecoveryScope.current?.error { throw error }
    let scope = RecoveryScope()
    do {
        let result = try RecoveryScope.$current.withValue(scope, operation: body)
        if let error = scope.error { throw error }
        return result
    } catch {
        throw scope.error ?? error
    }
}

/// Error of the engine that is not a programming error.
public enum TorchError: Error, CustomStringConvertible, Sendable {
    /// libtorch or the C API library could not be loaded; the text is the reason.
    case engineNotLoaded(String)
    /// A device ran out of memory; the text names the operator.
    case outOfMemory(String)
    /// libtorch rejected external input, such as an absent device or a generator state of another version.
    case refused(String)

    /// Message with the reason and the remedy.
    public var description: String {
        switch self {
        case .engineNotLoaded(let why):
            "the engine (libtorch) could not be loaded: \(why)\nRun `make setup`, or set TORCH_HOME to a PyTorch >= 2.11."
        case .outOfMemory(let why):
            "out of memory: \(why)\nUse a smaller batch (--set batchSize=...) or another device."
        case .refused(let why): why
        }
    }
}

/// Traps with `message` unless `condition` holds. Unlike `precondition`, prints the message in release builds too.
@inline(__always)
package func require(
    _ condition: Bool, _ message: @autoclosure () -> String, file: StaticString = #fileID, line: UInt = #line
) {
    if !condition { fatalError(message(), file: file, line: line) }
}
