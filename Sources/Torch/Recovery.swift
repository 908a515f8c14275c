/// Where the first out-of-memory failure of a recovering scope is kept.
final class RecoveryScope: @unchecked Sendable {
    @TaskLocal static var current: RecoveryScope?
    var error: TorchError?

    /// Whether nothing is to be computed any more.
    static var hasFailed: Bool { current?.error != nil }
}

/// Runs `body`; if a device runs out of memory inside, throws `TorchError.outOfMemory` instead of ending the program.
///
/// Coarse on purpose: after the first failure, and until the scope ends, no operator computes anything, in place or
/// not. Their results pretend to be Float[1, 1, 1, 1] of NaN; none of them may leave the scope. What was changed in
/// place before the failure stays changed.
/// - Throws: `TorchError.outOfMemory`, whatever `body` made of it; else what `body` throws.
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

/// What can go wrong in the engine without being a mistake of the program.
public enum TorchError: Error, CustomStringConvertible, Sendable {
    /// libtorch or its door could not be loaded.
    case engineNotLoaded(String)
    /// A device ran out of memory.
    case outOfMemory(String)
    /// The engine refused what it was given by the world (a device that is not there, a state of another version).
    case refused(String)

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

/// Traps unless `condition` holds. Unlike `precondition`, says why in release builds too.
@inline(__always)
package func require(
    _ condition: Bool, _ message: @autoclosure () -> String, file: StaticString = #fileID, line: UInt = #line
) {
    if !condition { fatalError(message(), file: file, line: line) }
}
