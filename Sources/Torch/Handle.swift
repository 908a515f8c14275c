import CTorch

/// Function table of the C API. The first use loads libtorch.
var api: ct_api {
    @inline(__always) get {
        if let engine = ct_engine() { return engine.pointee }
        do { try Engine.load() } catch { fatalError("\(error)") }
        return ct_engine()!.pointee
    }
}

/// Message of the last libtorch error on this thread.
func lastError() -> String { String(cString: api.last_error()) }

/// Checks the status of a C call. Traps if it failed, because such a failure is a programming error.
///
/// Inside `recoveringFromOutOfMemory`, out of memory is recorded in the scope instead, and the result is false. Elsewhere it calls
/// the handler of `Engine.endOnOutOfMemory`. While a graph is recorded, every failure is an error of the recording.
@discardableResult
func check(
    _ status: ct_status, _ what: @autoclosure () -> String, file: StaticString = #fileID, line: UInt = #line
) -> Bool {
    if status == CT_OK { return true }
    let reason = lastError()
    if status == CT_OUT_OF_MEMORY {
        let error = TorchError.outOfMemory("\(what()): \(reason)")
        guard let scope = RecoveryScope.current else { Engine.end(with: error, file: file, line: line) }
        scope.error = scope.error ?? error
        return false
    }
    if let scope = RecoveryScope.current, scope.acceptsAllErrors {
        scope.error = scope.error ?? .refused("\(what()): \(reason)")
        return false
    }
    fatalError("\(what()): \(reason)", file: file, line: line)
}

extension StaticString {
    /// Pointer to the null-terminated text, valid for the lifetime of the process.
    var cString: UnsafePointer<CChar> {
        UnsafeRawPointer(utf8Start).assumingMemoryBound(to: CChar.self)
    }
}
