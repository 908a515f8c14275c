import Console
import Foundation
import Synchronization
import Testing
import Training

@Suite struct LogProgressTests {
    /// An output and a clock for a reporter.
    private final class Stage: Sendable {
        private let state = Mutex((text: "", time: 0.0))

        func output(interactive: Bool) -> ConsoleOutput {
            ConsoleOutput(isInteractive: interactive, hasColors: false, width: 200) { text in
                self.state.withLock { $0.text += text }
            }
        }

        var clock: @Sendable () -> Double { { self.state.withLock { $0.time } } }

        func wait(_ seconds: Double) { state.withLock { $0.time += seconds } }

        func take() -> String {
            state.withLock { state in
                defer { state.text = "" }
                return state.text
            }
        }
    }

    private let groups = [
        ProgressReporter.Group("loss", [("D", 1.02), ("G", 1.884)]),
        ProgressReporter.Group("", [("D(real)", 0.71)]), ProgressReporter.Group("", [("D(fake)", 0.22)]),
    ]

    @Test func theLineSaysWhatMatters() {
        let stage = Stage()
        let reporter = ProgressReporter(
            totalImages: 100_000, output: stage.output(interactive: true), memory: { 1_100_000_000 },
            now: stage.clock)
        reporter.update(images: 0, groups)
        stage.wait(10)
        reporter.update(images: 1850, groups)
        let lines = stage.take().replacing("\u{1B}[K", with: "").components(separatedBy: "\r").dropFirst().map
        { $0 }
        #expect(
            lines.first == "kimg   0.0/100.0      – img/s  eta –           loss D 1.02 G 1.88"
                + "  D(real) 0.71  D(fake) 0.22  mem 1.1 GB")
        #expect(
            lines[1] == "kimg   1.9/100.0    185 img/s  eta 8 min 51 s  loss D 1.02 G 1.88"
                + "  D(real) 0.71  D(fake) 0.22  mem 1.1 GB")
        #expect(lines.first?.count == lines[1].count)
        reporter.finish()
        #expect(stage.take() == "\r\u{1B}[K\(lines[1])\n")
    }

    /// On a slow machine a line of the log can take longer than the window of the rate.
    @Test func slowStepsHaveARateToo() {
        let stage = Stage()
        let reporter = ProgressReporter(
            totalImages: 10_000, output: stage.output(interactive: true), memory: { nil }, now: stage.clock)
        reporter.update(images: 0, groups)
        #expect(reporter.imagesPerSecond == nil)
        for images in [3000, 6000] {
            stage.wait(600)
            reporter.update(images: images, groups)
            #expect(reporter.imagesPerSecond == 5)
        }
        #expect(reporter.secondsLeft == 800)
    }

    @Test func pipesGetALineNowAndThen() {
        let stage = Stage()
        let reporter = ProgressReporter(
            totalImages: nil, output: stage.output(interactive: false), memory: { nil }, now: stage.clock)
        var printed: [Int] = []
        for second in 0..<70 {
            reporter.update(images: second * 20, [])
            if !stage.take().isEmpty { printed.append(second) }
            stage.wait(1)
        }
        #expect(printed == [5, 35, 65])
        reporter.note("saved")
        reporter.finish()
        #expect(stage.take() == "saved\nkimg     1.4     20 img/s\n")
    }

    @Test func speedAndTimeLeftForgetAPause() throws {
        let stage = Stage()
        let reporter = ProgressReporter(
            totalImages: 10_000, totalSeconds: 5000, output: stage.output(interactive: false),
            memory: { nil }, now: stage.clock)
        #expect(reporter.imagesPerSecond == nil)
        #expect(reporter.secondsLeft == 5000)
        var images = 0
        for _ in 0..<30 {
            reporter.update(images: images, [])
            stage.wait(0.5)
            images += 5
        }
        #expect(abs(try #require(reporter.imagesPerSecond) - 10) < 0.01)
        stage.wait(600)
        for _ in 0..<60 {
            reporter.update(images: images, [])
            stage.wait(0.5)
            images += 10
        }
        #expect(abs(try #require(reporter.imagesPerSecond) - 20) < 0.01)
        #expect(abs(try #require(reporter.secondsLeft) - Double(10_000 - images + 10) / 20) < 0.01)
    }

    @Test func largeAndBrokenValuesFit() {
        let stage = Stage()
        let reporter = ProgressReporter(
            totalImages: nil, output: stage.output(interactive: false), memory: { nil }, now: stage.clock)
        reporter.update(
            images: 0, [.init("", [("a", .nan), ("b", -12_345.6), ("c", .infinity), ("d", -0.5)])])
        reporter.finish()
        #expect(stage.take() == "kimg     0.0      – img/s  a  nan b -12,346 c  inf d -0.50\n")
    }

    @Test func residentMemory() throws {
        #if os(Linux)
            let bytes = try #require(ProcessMemory.resident)
            #expect(bytes > 1_000_000 && bytes < 1_000_000_000_000)
        #endif
    }
}
