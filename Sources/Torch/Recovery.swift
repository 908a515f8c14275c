/// Where the first out-of-memory failure of a recovering scope is kept.
final class RecoveryScope: @unchecked Sendable {
    @TaskLocal static var current: RecoveryScope?
    var error: TorchError?
}

/// Runs `body`; if a device runs out of memory inside, throws `TorchError.outOfMemory` instead of ending the program.
///
/// Coarse on purpose: after the first failure, later operators return at once and `item()` is NaN, until the scope ends.
public func recoveringFromOutOfMemory<Result>(_ body: () throws -> Result) throws -> Result {
    let scope = RecoveryScope()
    let result = try RecoveryScope.$current.withValue(scope) { try body() }
    if let error = scope.error { throw error }
    return result
}
