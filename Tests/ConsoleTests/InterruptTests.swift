import Console
import Foundation
import Testing

/// Sends a signal to the process rather than the thread, because all signals can be blocked in worker threads.
private func send(_ signal: Int32) { kill(getpid(), signal) }

/// Whether a request arrives within ten seconds. Signals are delivered asynchronously.
private func isRequestedSoon() async -> Bool {
    for _ in 0..<10_000 where !Interrupt.isRequested { try? await Task.sleep(for: .milliseconds(1)) }
    return Interrupt.isRequested
}

/// Each test runs in its own process, because signals belong to the process.
@Suite struct InterruptTests {
    @Test func firstSignalRequestsTheEnd() async throws {
        let result = try await #require(
            processExitsWith: .exitCode(3), observing: [\.standardErrorContent]
        ) {
            Interrupt.install()
            guard !Interrupt.isRequested, Interrupt.exitStatus == 0 else { exit(1) }
            send(SIGINT)
            guard await isRequestedSoon(), Interrupt.exitStatus == 130 else { exit(2) }
            exit(3)
        }
        let message = String(decoding: result.standardErrorContent, as: UTF8.self)
        #expect(message.hasSuffix("\nfinishing…; press Ctrl-C again to end at once\n"))
    }

    @Test func secondSignalEndsAtOnce() async {
        await #expect(processExitsWith: .exitCode(130)) {
            Interrupt.install()
            send(SIGINT)
            guard await isRequestedSoon() else { exit(1) }
            send(SIGINT)
            try await Task.sleep(for: .seconds(20))
            exit(2)
        }
    }

    @Test func terminationNeverEndsAtOnce() async {
        await #expect(processExitsWith: .exitCode(143)) {
            Interrupt.install()
            send(SIGTERM)
            guard await isRequestedSoon() else { exit(1) }
            send(SIGTERM)
            try await Task.sleep(for: .milliseconds(50))
            exit(Interrupt.exitStatus)
        }
        await #expect(processExitsWith: .exitCode(130)) {
            Interrupt.install()
            send(SIGTERM)
            guard await isRequestedSoon() else { exit(1) }
            send(SIGINT)
            try await Task.sleep(for: .seconds(20))
            exit(2)
        }
    }

    /// A closed terminal sends SIGHUP. Under `nohup` it is ignored.
    @Test func hangUpRequestsTheEnd() async {
        await #expect(processExitsWith: .exitCode(129)) {
            signal(SIGHUP, SIG_DFL)
            Interrupt.install()
            send(SIGHUP)
            guard await isRequestedSoon() else { exit(1) }
            send(SIGHUP)
            try await Task.sleep(for: .milliseconds(50))
            exit(Interrupt.exitStatus)
        }
        await #expect(processExitsWith: .exitCode(5)) {
            signal(SIGHUP, SIG_IGN)
            Interrupt.install()
            send(SIGHUP)
            try await Task.sleep(for: .milliseconds(50))
            exit(Interrupt.isRequested ? 1 : 5)
        }
    }

    @Test func closedPipesAreIgnored() async {
        await #expect(processExitsWith: .exitCode(4)) {
            Interrupt.install()
            var ends: [Int32] = [0, 0]
            guard pipe(&ends) == 0 else { exit(1) }
            close(ends[0])
            dup2(ends[1], 1)
            ConsoleOutput.standardOutput.writeLine("no reader")
            exit(4)
        }
    }

    @Test func uninstallClearsTheRequest() async {
        await #expect(processExitsWith: .signal(SIGTERM)) {
            Interrupt.install()
            send(SIGTERM)
            guard await isRequestedSoon() else { exit(1) }
            Interrupt.uninstall()
            guard !Interrupt.isRequested else { exit(2) }
            send(SIGTERM)
            try await Task.sleep(for: .seconds(20))
            exit(3)
        }
    }
}
