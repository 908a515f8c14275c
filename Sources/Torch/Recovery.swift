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
