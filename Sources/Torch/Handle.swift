import CTorch

/// The engine's table; loads it at first use.
var api: ct_api {
    @inline(__always) get {
        if let engine = ct_engine() { return engine.pointee }
        do { try Engine.load() } catch { fatalError("\(error)") }
        return ct_engine()!.pointee
    }
}

/// Text of the engine's last error on this thread.
func lastError() -> String { String(cString: api.last_error()) }

/// Settles a status: traps on a failure that only a mistake of the program can cause.
///
/// Inside `recoveringFromOutOfMemory`, exhaustion is noted there instead, and the answer is false.
@discardableResult
func check(
    _ status: ct_status, _ what: @autoclosure () -> String, file: StaticString = #fileID, line: UInt = #line
) -> Bool {
    if status == CT_OK { return true }
    let reason = lastError()
    if status == CT_OUT_OF_MEMORY, let scope = RecoveryScope.current {
        scope.error = scope.error ?? .outOfMemory("\(what()): \(reason)")
        return false
    }
    fatalError("\(what()): \(reason)", file: file, line: line)
}

extension StaticString {
    /// Pointer to the text, valid for the whole process, as the C API requires for names of operators and arguments.
    var forever: UnsafePointer<CChar> {
        UnsafeRawPointer(utf8Start).assumingMemoryBound(to: CChar.self)
    }
}
