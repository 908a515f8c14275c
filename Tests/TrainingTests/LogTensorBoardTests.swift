import Foundation
import TestSupport
import Testing
import Training

@Suite struct LogTensorBoardTests {
    /// The bytes that TensorBoard's own protocol buffers give: Tests/Goldens/make_training.py.
    @Test func eventsAreEncodedAsTensorBoardEncodesThem() throws {
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

    @Test func everySessionHasAFileThatComesLast() throws {
        let folder = try TemporaryFolder()
        let first = try TensorBoardLog(folder: folder.path, resumingAt: nil, now: { 1_700_000_000.5 })
        let second = try TensorBoardLog(folder: folder.path, resumingAt: 10, now: { 1_700_000_000.6 })
        let third = try TensorBoardLog(folder: folder.path, resumingAt: 10, now: { 5 })
        let paths = [first, second, third].map(\.path)
        #expect(paths == paths.sorted() && Set(paths).count == 3)
        #expect(try folder.contents().count == 3)
        #expect(try folder.contents()[0] == "events.out.tfevents.1700000000.facegan")
    }

    /// A python that can import tensorboard: where `make setup` puts the engine.
    static let python: String? = {
        let torch = URL(fileURLWithPath: packageRoot() + "/.torch").resolvingSymlinksInPath()
        let environment = (0..<4).reduce(torch) { url, _ in url.deletingLastPathComponent() }
        let path = environment.appendingPathComponent("bin/python").path
        guard FileManager.default.isExecutableFile(atPath: path) else { return nil }
        let result = try? runProcess(path, ["-c", "import tensorboard"])
        return result?.status == 0 ? path : nil
    }()

    @Test(.enabled(if: python != nil))
    func tensorBoardReadsARunThatWasKilled() throws {
        let folder = try TemporaryFolder()
        let png: [UInt8] = [0x89, 0x50, 0x4E, 0x47]
        let first = try TensorBoardLog(folder: folder.path, resumingAt: nil)
        try first.text("recipe", "# dcgan", step: 0)
        for step in 1...8 {
            try first.scalars([("loss/D", Double(step)), ("loss/G", -Double(step))], step: step)
        }
        try first.image("grid", png: png, width: 4, height: 3, step: 8)
        // Killed inside a record.
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
