import Console
import Foundation
import TestSupport
import Testing
import Training

/// Progress line.
@Suite struct ProgressReporterTests {
    private let groups = [
        ProgressReporter.Group("loss", [("D", 1.02), ("G", 1.884)]),
        ProgressReporter.Group("", [("D(real)", 0.71)]), ProgressReporter.Group("", [("D(fake)", 0.22)]),
    ]

    @Test func lineHasProgressRateLossesAndMemory() {
        let recorder = Recorder()
        let reporter = ProgressReporter(
            totalImages: 100_000, output: recorder.output(interactive: true, width: 200),
            memory: { 1_100_000_000 },
            now: recorder.clock)
        reporter.update(images: 0, groups)
        recorder.wait(10)
        reporter.update(images: 1850, groups)
        let lines = recorder.take().replacing("\u{1B}[K", with: "").components(separatedBy: "\r").dropFirst()
            .map { $0 }
        #expect(
            lines.first == "kimg   0.0/100.0      – img/s  eta –           loss D 1.02 G 1.88"
                + "  D(real) 0.71  D(fake) 0.22  mem 1.1 GB")
        #expect(
            lines[1] == "kimg   1.9/100.0    185 img/s  eta 8 min 51 s  loss D 1.02 G 1.88"
                + "  D(real) 0.71  D(fake) 0.22  mem 1.1 GB")
        #expect(lines.first?.count == lines[1].count)
        reporter.finish()
        #expect(recorder.take() == "\r\u{1B}[K\(lines[1])\n")
    }

    /// The interval between updates can exceed the window of the rate.
    @Test func slowUpdatesHaveARate() {
        let recorder = Recorder()
        let reporter = ProgressReporter(
            totalImages: 10_000, output: recorder.output(interactive: true, width: 200), memory: { nil },
            now: recorder.clock)
        reporter.update(images: 0, groups)
        #expect(reporter.imagesPerSecond == nil)
        for images in [3000, 6000] {
            recorder.wait(600)
            reporter.update(images: images, groups)
            #expect(reporter.imagesPerSecond == 5)
        }
        #expect(reporter.secondsLeft == 800)
    }

    @Test func pipesGetPermanentLines() {
        let recorder = Recorder()
        let reporter = ProgressReporter(
            totalImages: nil, output: recorder.output(interactive: false, width: 200), memory: { nil },
            now: recorder.clock)
        var printed: [Int] = []
        for second in 0..<70 {
            reporter.update(images: second * 20, [])
            if !recorder.take().isEmpty { printed.append(second) }
            recorder.wait(1)
        }
        #expect(printed == [5, 35, 65])
        reporter.note("saved")
        reporter.finish()
        #expect(recorder.take() == "saved\nkimg     1.4     20 img/s\n")
    }

    @Test func rateRecoversAfterAPause() throws {
        let recorder = Recorder()
        let reporter = ProgressReporter(
            totalImages: 10_000, totalSeconds: 5000, output: recorder.output(interactive: false, width: 200),
            memory: { nil }, now: recorder.clock)
        #expect(reporter.imagesPerSecond == nil)
        #expect(reporter.secondsLeft == 5000)
        var images = 0
        for _ in 0..<30 {
            reporter.update(images: images, [])
            recorder.wait(0.5)
            images += 5
        }
        #expect(abs(try #require(reporter.imagesPerSecond) - 10) < 0.01)
        recorder.wait(600)
        for _ in 0..<60 {
            reporter.update(images: images, [])
            recorder.wait(0.5)
            images += 10
        }
        #expect(abs(try #require(reporter.imagesPerSecond) - 20) < 0.01)
        #expect(abs(try #require(reporter.secondsLeft) - Double(10_000 - images + 10) / 20) < 0.01)
    }

    @Test func largeAndInvalidValuesFit() {
        let recorder = Recorder()
        let reporter = ProgressReporter(
            totalImages: nil, output: recorder.output(interactive: false, width: 200), memory: { nil },
            now: recorder.clock)
        reporter.update(
            images: 0, [.init("", [("a", .nan), ("b", -12_345.6), ("c", .infinity), ("d", -0.5)])])
        reporter.finish()
        #expect(recorder.take() == "kimg     0.0      – img/s  a  nan b -12,346 c  inf d -0.50\n")
    }

    @Test func residentMemory() throws {
        #if os(Linux)
            let bytes = try #require(ProcessMemory.resident)
            #expect(bytes > 1_000_000 && bytes < 1_000_000_000_000)
        #endif
    }
}

/// Training log in JSON Lines.
@Suite struct JSONLinesLogTests {
    private func record(_ step: Int, seconds: Double = 0.5) -> LogRecord {
        var record = LogRecord(step: step)
        record.add("kimg", .number(Double(step) * 0.064))
        record.add("loss.D", .number(1.0 / Double(step + 1)))
        record.add(machine: "seconds", .number(seconds))
        return record
    }

    private func text(_ path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }

    @Test func lineIsOneJSONObject() throws {
        var record = LogRecord(step: 7)
        record.add("loss", .number(0.1))
        record.add("broken", .number(.nan))
        record.add("count", .integer(-3))
        record.add("ema", .flag(true))
        record.add("event", .text("a \"quoted\"\n\\line\u{1}人脸"))
        record.add(machine: "seconds", .number(2e-7))
        #expect(
            record.line == #"{"step":7,"loss":0.1,"broken":null,"count":-3,"ema":true,"#
                + #""event":"a \"quoted\"\n\\line\u0001人脸","machine":{"seconds":2e-07}}"#)
        let object = try JSONSerialization.jsonObject(with: Data(record.line.utf8)) as? [String: Any]
        #expect(object?["event"] as? String == "a \"quoted\"\n\\line\u{1}人脸")
    }

    @Test func linesAreWrittenAtOnce() throws {
        let folder = try TemporaryFolder()
        let log = try JSONLinesLog(path: folder.file("log.jsonl"), resumingAt: nil)
        try log.append(record(1))
        #expect(text(log.path) == record(1).line + "\n")
        try log.append(record(2))
        try log.synchronize()
        #expect(text(log.path) == record(1).line + "\n" + record(2).line + "\n")
    }

    @Test func newRunHasAnEmptyLog() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("{\"step\":1}\n", to: "log.jsonl")
        _ = try JSONLinesLog(path: path, resumingAt: nil)
        #expect(text(path) == "")
        _ = try JSONLinesLog(path: folder.file("other.jsonl"), resumingAt: 5)
        #expect(text(folder.file("other.jsonl")) == "")
    }

    /// A log that ends at any byte, resumed from a checkpoint, equals the uninterrupted log.
    @Test func resumedLogEqualsUninterruptedLog() throws {
        let folder = try TemporaryFolder()
        let whole = try JSONLinesLog(path: folder.file("whole.jsonl"), resumingAt: nil)
        for step in 0..<30 { try whole.append(record(step)) }
        let wanted = text(whole.path)
        let bytes = Array(wanted.utf8)
        let checkpoint = 9
        let known = (0...checkpoint).map { record($0).line + "\n" }.joined().utf8.count
        for end in stride(from: known, through: bytes.count, by: 7) {
            let path = try folder.write(Array(bytes[..<end]), to: "killed.jsonl")
            let log = try JSONLinesLog(path: path, resumingAt: checkpoint)
            for step in (checkpoint + 1)..<30 { try log.append(record(step)) }
            try #require(text(path) == wanted, "killed at byte \(end)")
        }
    }

    @Test func damagedLinesAreRemoved() throws {
        let folder = try TemporaryFolder()
        let lines = [1, 2, 3, 4].map { record($0).line }
        let torn = [
            lines[0], "\u{0}\u{0}\u{0}", lines[1], String(lines[2].dropLast(9)), "not ours", lines[3],
        ]
        let path = try folder.write(torn.joined(separator: "\n") + "\n{\"step\":2", to: "log.jsonl")
        let log = try JSONLinesLog(path: path, resumingAt: 3)
        try log.append(record(4))
        #expect(text(path) == [lines[0], lines[1], lines[3]].joined(separator: "\n") + "\n")
    }

    @Test func missingFolderIsNamed() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("missing/log.jsonl")
        let error = #expect(throws: (any Error).self) { try JSONLinesLog(path: path, resumingAt: nil) }
        #expect(
            error.map { "\($0)" }
                == "\(path): the log could not be opened (No such file or directory)."
                + " Check that the folder exists and is writable.")
    }
}

/// Event files for TensorBoard.
@Suite struct TensorBoardLogTests {
    /// Compares with bytes of TensorBoard's protocol buffers (Tests/Goldens/make_training.py).
    @Test func eventsEqualThoseOfTensorBoard() throws {
        let scalars: [(tag: String, value: Float)] = [
            ("loss/D", 1.0625), ("loss/G", -2.5), ("zero", 0), ("big", 3.0e38), ("not", .nan),
        ]
        let contents: [(Int, TensorBoardEvent.Content)] = [
            (0, .fileVersion), (0, .sessionStart), (1, .scalars(scalars)),
            (300, .image(tag: "grid", png: (0...255).map { UInt8($0) }, width: 640, height: 480)),
            (1 << 40, .text(tag: "recipe", "# Rezept\n\n人脸")), (301, .sessionStart),
        ]
        let bytes = contents.flatMap {
            TensorBoardEvent(wallTime: 1_700_000_000.25, step: $0.0, content: $0.1).framed
        }
        let golden = try #require(FileManager.default.contents(atPath: goldens("Training/events.bin")))
        #expect(bytes == Array(golden))
    }

    @Test func fileOfASessionSortsLast() throws {
        let folder = try TemporaryFolder()
        let first = try TensorBoardLog(folder: folder.path, resumingAt: nil, now: { 1_700_000_000.5 })
        let second = try TensorBoardLog(folder: folder.path, resumingAt: 10, now: { 1_700_000_000.6 })
        let third = try TensorBoardLog(folder: folder.path, resumingAt: 10, now: { 5 })
        let paths = [first, second, third].map(\.path)
        #expect(paths == paths.sorted() && Set(paths).count == 3)
        #expect(try folder.contents().count == 3)
        #expect(try folder.contents()[0] == "events.out.tfevents.1700000000.facegan")
    }

    /// Path of a Python with tensorboard, in the environment of the engine; nil if there is none.
    static let python: String? = {
        let torch = URL(fileURLWithPath: packageRoot() + "/.torch").resolvingSymlinksInPath()
        let environment = (0..<4).reduce(torch) { url, _ in url.deletingLastPathComponent() }
        let path = environment.appendingPathComponent("bin/python").path
        guard FileManager.default.isExecutableFile(atPath: path) else { return nil }
        let result = try? runProcess(path, ["-c", "import tensorboard"])
        return result?.status == 0 ? path : nil
    }()

    @Test(.enabled(if: python != nil))
    func tensorBoardReadsARunAfterAKill() throws {
        let folder = try TemporaryFolder()
        let png: [UInt8] = [0x89, 0x50, 0x4E, 0x47]
        let first = try TensorBoardLog(folder: folder.path, resumingAt: nil)
        try first.text("recipe", "# dcgan", step: 0)
        for step in 1...8 {
            try first.scalars([("loss/D", Double(step)), ("loss/G", -Double(step))], step: step)
        }
        try first.image("grid", png: png, width: 4, height: 3, step: 8)
        // The last record is incomplete, as after a kill.
        let size = try #require(FileManager.default.contents(atPath: first.path)).count
        try FileHandle(forUpdating: URL(fileURLWithPath: first.path)).truncate(atOffset: UInt64(size - 5))
        let second = try TensorBoardLog(folder: folder.path, resumingAt: 5)
        for step in 6...7 { try second.scalars([("loss/D", 100 + Double(step))], step: step) }
        try second.image("grid", png: png, width: 4, height: 3, step: 7)
        let script = """
            import sys
            from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
            events = EventAccumulator(sys.argv[1])
            events.Reload()
            for tag in sorted(events.Tags()["scalars"]):
                print(tag, [(e.step, e.value) for e in events.Scalars(tag)])
            for tag in events.Tags()["images"]:
                print(tag, [(e.step, e.width, e.height, len(e.encoded_image_string)) for e in events.Images(tag)])
            for tag in events.Tags()["tensors"]:
                plugin = events.SummaryMetadata(tag).plugin_data.plugin_name
                print(tag, plugin, [e.tensor_proto.string_val[0].decode() for e in events.Tensors(tag)])
            """
        let result = try runProcess(try #require(Self.python), ["-c", script, folder.path])
        #expect(
            result.output == """
                loss/D [(1, 1.0), (2, 2.0), (3, 3.0), (4, 4.0), (5, 5.0), (6, 106.0), (7, 107.0)]
                loss/G [(1, -1.0), (2, -2.0), (3, -3.0), (4, -4.0), (5, -5.0)]
                grid [(7, 4, 3, 4)]
                recipe text ['# dcgan']

                """, "\(result.errors)")
    }
}
