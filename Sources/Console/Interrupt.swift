import Foundation
import Synchronization

/// Handling of Ctrl-C: the first SIGINT requests an orderly end, the second ends the program at once.
///
/// SIGTERM and SIGHUP also request an orderly end, but never end the program at once: schedulers repeat SIGTERM, and a closed
/// terminal sends SIGHUP to a whole session. SIGPIPE is ignored.
public enum Interrupt {
    // A global, because signals belong to the process and a handler has no context.
    private static let requested = Atomic<Int32>(0)

    /// Installs handlers for SIGINT, SIGTERM and SIGHUP. Repeated calls have no effect. An ignored SIGHUP stays ignored, as under
    /// `nohup`.
    public static func install() {
        // Initializes the atomic, because lazy initialization is not safe in a signal handler.
        _ = requested.load(ordering: .relaxed)
        signal(SIGINT) { number in
            if Interrupt.record(number) {
                Interrupt.printMessage("\nfinishing…; press Ctrl-C again to end at once\n")
            } else {
                Interrupt.printMessage("\n")
                _exit(130)
            }
        }
        signal(SIGTERM) { number in
            if Interrupt.record(number) { Interrupt.printMessage("finishing…\n") }
        }
        var hangUp = sigaction()
        if sigaction(SIGHUP, nil, &hangUp) == 0, !Self.isIgnored(hangUp) {
            // The terminal may be gone, so there is no message.
            signal(SIGHUP) { number in _ = Interrupt.record(number) }
        }
        // Blocked signals are inherited. Some programs block them in threads that start other programs.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        sigaddset(&signals, SIGTERM)
        sigaddset(&signals, SIGHUP)
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
        // In `facegan train | tee log`, Ctrl-C ends `tee` first. Writing the next line must not end this program.
        signal(SIGPIPE, SIG_IGN)
    }

    /// Restores the default handlers and clears a request.
    public static func uninstall() {
        signal(SIGINT, SIG_DFL)
        signal(SIGTERM, SIG_DFL)
        var hangUp = sigaction()
        if sigaction(SIGHUP, nil, &hangUp) == 0, !Self.isIgnored(hangUp) { signal(SIGHUP, SIG_DFL) }
        signal(SIGPIPE, SIG_DFL)
        requested.store(0, ordering: .relaxed)
    }

    /// Whether an orderly end was requested.
    public static var isRequested: Bool { requested.load(ordering: .relaxed) != 0 }

    private static func isIgnored(_ action: sigaction) -> Bool {
        #if canImport(Darwin)
            let handler = action.__sigaction_u.__sa_handler
        #else
            let handler = action.__sigaction_handler.sa_handler
        #endif
        return unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    }

    /// Exit status of a program ended by a signal: 130, 143 or 129; 0 without a request.
    public static var exitStatus: Int32 {
        let number = requested.load(ordering: .relaxed)
        return number == 0 ? 0 : 128 + number
    }

    /// Records a request. Safe in signal handlers: it only exchanges an atomic.
    private static func record(_ number: Int32) -> Bool {
        requested.compareExchange(expected: 0, desired: number, ordering: .relaxed).exchanged
    }

    private static func printMessage(_ text: StaticString) {
        // A handler cannot react to a failed write.
        _ = write(2, text.utf8Start, text.utf8CodeUnitCount)
    }
}
