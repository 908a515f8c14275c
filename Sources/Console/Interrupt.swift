import Foundation
import Synchronization

/// Ctrl-C as a wish: the first asks the program to finish, the second ends it at once.
///
/// SIGTERM asks, too, but never ends at once: schedulers repeat it. A closed pipe ends nothing meanwhile.
public enum Interrupt {
    // Signals belong to the process, and a handler can carry no context: hence the file's one global.
    private static let requested = Atomic<Int32>(0)

    /// Begins to catch SIGINT and SIGTERM. Calling it again does nothing more.
    public static func install() {
        // Touches the atomic before a handler may: its lazy set-up is not fit for a signal handler.
        _ = requested.load(ordering: .relaxed)
        signal(SIGINT) { number in
            if Interrupt.note(number) {
                Interrupt.say("\nfinishing…; press again to end at once\n")
            } else {
                Interrupt.say("\n")
                _exit(130)
            }
        }
        signal(SIGTERM) { number in
            if Interrupt.note(number) { Interrupt.say("finishing…\n") }
        }
        // Blocked signals are inherited; some programs block them in the threads that start others.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        sigaddset(&signals, SIGTERM)
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
        // In `facegan train | tee log` Ctrl-C ends `tee` first: the next line must not end us unsaved.
        signal(SIGPIPE, SIG_IGN)
    }

    /// Gives the signals back their usual meaning and forgets a request.
    public static func uninstall() {
        signal(SIGINT, SIG_DFL)
        signal(SIGTERM, SIG_DFL)
        signal(SIGPIPE, SIG_DFL)
        requested.store(0, ordering: .relaxed)
    }

    /// Whether somebody asked the program to finish.
    public static var isRequested: Bool { requested.load(ordering: .relaxed) != 0 }

    /// The exit status that shells expect of a program that a signal ended: 130 or 143; 0 without a request.
    public static var exitStatus: Int32 {
        let number = requested.load(ordering: .relaxed)
        return number == 0 ? 0 : 128 + number
    }

    /// Only what a signal handler may call: an atomic exchange.
    private static func note(_ number: Int32) -> Bool {
        requested.compareExchange(expected: 0, desired: number, ordering: .relaxed).exchanged
    }

    private static func say(_ text: StaticString) {
        // A failed write says nothing that a handler could act upon.
        _ = write(2, text.utf8Start, text.utf8CodeUnitCount)
    }
}
