import Files
import Foundation
import TestSupport
import Testing

/// `facegan data`.
@Suite struct DataCommandTests {
    private func facegan(_ arguments: String...) throws -> ProcessResult {
        try runProcess(builtProducts() + "/facegan", ["data"] + arguments)
    }

    @Test func facesArePackedExaminedAndShown() throws {
        let folder = try TemporaryFolder()
        let store = folder.file("toy.faces")
        let packed = try facegan("prepare", "builtin:30", "--resolution", "32", "--out", store)
        #expect(packed.status == 0, "\(packed.errors)")
        #expect(packed.output.contains("under faces32"))
        #expect(packed.output.contains("30 pictures"))

        let examined = try facegan("doctor", store)
        #expect(examined.status == 0, "\(examined.errors)")
        #expect(examined.output.contains("40 attributes"))

        let sheet = folder.file("sheet.png")
        let shown = try facegan("preview", store, "--augment", "--count", "3", "--out", sheet)
        #expect(shown.status == 0, "\(shown.errors)")
        // Eight columns and three rows of 32 pixels with 2 between them: the size in the header of the PNG.
        let header = try MappedFile(path: sheet).bytes(16..<24)
        #expect(header == [0, 0, 1, 18, 0, 0, 0, 104])
        #expect(try folder.contents() == ["sheet.png", "toy.faces"])
    }

    /// Outputs of one character, and a folder in place of a file.
    @Test(arguments: [("x", Int32(0)), ("人", 0), (".", 1), ("/", 1)])
    func outputsOfOneCharacterAreAccepted(output: String, status: Int32) throws {
        let folder = try TemporaryFolder()
        let packed = try Command.run(
            "data", "prepare", "builtin:2", "--resolution", "16", "--out", output, folder: folder.path)
        #expect(packed.status == status, "\(packed.errors)")
        #expect(try folder.contents() == (status == 0 ? [output] : []))
    }

    /// Rows of a picture and seven augmentations of it; equal for equal seeds.
    @Test(arguments: ["ada", "diffaugment"]) func theDiscriminatorsViewIsShown(kind: String) throws {
        let folder = try TemporaryFolder()
        func show(_ name: String, _ more: String...) throws -> [UInt8] {
            let sheet = folder.file(name)
            let shown = try runProcess(
                builtProducts() + "/facegan",
                [
                    "data", "preview", "builtin:2", "--resolution", "32", "--augment", kind, "--count", "2",
                    "--out", sheet,
                ] + more)
            #expect(shown.status == 0, "\(shown.errors)")
            let file = try MappedFile(path: sheet)
            #expect(try file.bytes(16..<24) == [0, 0, 1, 18, 0, 0, 0, 70])
            return try file.bytes(file.all)
        }
        let sheet = try show("a.png")
        #expect(try show("b.png") == sheet)
        #expect(try show("c.png", "--seed", "1") != sheet)
        // Probability 0 changes nothing: a row of equal pictures needs few bytes.
        let same = try show("d.png", "--augment-probability", "0")
        #expect(same.count < sheet.count / 2)
        #expect(try show("e.png", "--augment-probability", "0", "--seed", "1") == same)
    }

    @Test func viewsThatThereAreNotAreRefused() throws {
        let unknown = try facegan("preview", "builtin:1", "--augment", "adda", "--out", "x.png")
        #expect(unknown.status == 64 && unknown.errors.contains("Unexpected argument 'adda'"))
        let often = try facegan(
            "preview", "builtin:1", "--augment", "ada", "--augment-probability", "1.5", "--out", "x.png")
        #expect(
            often.status == 64 && often.errors.contains("--augment-probability: expected 0 to 1, got 1.5"))
        let alone = try facegan("preview", "builtin:1", "--augment-probability", "0.5", "--out", "x.png")
        #expect(alone.status == 64 && alone.errors.contains("requires --augment"))
    }

    @Test func badPicturesAreNamedAndKeptOut() throws {
        let folder = try TemporaryFolder()
        let photos = folder.file("photos")
        try folder.write([], to: "photos/empty.jpg")
        try folder.write("<html><body>no</body></html>", to: "photos/page.png")
        #expect(
            try facegan("prepare", "builtin:2", "--resolution", "16", "--out", folder.file("b.faces")).status
                == 0)
        _ = try facegan("preview", "builtin:1", "--out", folder.file("photos/good.png"), "--count", "1")

        let report = folder.file("report.json")
        let list = folder.file("bad.txt")
        let examined = try facegan("doctor", photos, "--json", report, "--quarantine", list)
        #expect(examined.status == 1)
        // Bad pictures are reported during the work, on standard error.
        #expect((examined.output + examined.errors).contains("empty.jpg: empty file: the file is empty"))
        let json = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: report)))
        #expect((json as? [String: Any]).flatMap { $0["pictureCount"] as? Int } == 3)
        let listed = try String(contentsOfFile: list, encoding: .utf8).split(separator: "\n")
        #expect(listed.map { $0.split(separator: "\t")[0] } == ["empty.jpg", "page.png"])

        let store = folder.file("x.faces")
        let packed = try facegan("prepare", photos, "--exclude", list, "--out", store)
        #expect(packed.status == 0, "\(packed.errors)")
        #expect(!packed.output.contains("bad:"))
        #expect(!packed.output.contains("skipped"))
        #expect(packed.output.contains("1 picture,"))
    }

    @Test func mistakesAreExplained() throws {
        let folder = try TemporaryFolder()
        let out = folder.file("x.faces")
        #expect(try facegan("prepare", folder.path, "--out", out).errors.contains("no pictures"))
        #expect(try facegan("prepare", folder.file("nothing"), "--out", out).errors.contains("builtin:2000"))
        let unknown = try facegan("prepare", "builtin:3", "--protocol", "celeba64", "--out", out)
        #expect(unknown.status != 0)
        #expect(unknown.errors.contains("celeba64-178"))
        let both = try facegan(
            "prepare", "builtin:3", "--protocol", "faces64", "--resolution", "64", "--out", out)
        #expect(both.status == 64)
        let address = try facegan("download", "lfw", "--to", folder.path, "--url", "ftp://somewhere/lfw.tgz")
        #expect(address.status == 64)
        #expect(try folder.contents() == [])
    }

    @Test func anInterruptLeavesNothing() throws {
        let folder = try TemporaryFolder()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: builtProducts() + "/facegan")
        process.arguments = [
            "data", "prepare", "builtin:1000000", "--resolution", "128", "--out", folder.file("x.faces"),
        ]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        let ended = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in ended.signal() }
        try process.run()
        // The first line appears when the work starts.
        _ = output.fileHandleForReading.availableData
        process.interrupt()
        if ended.wait(timeout: .now() + 60) == .timedOut { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
        #expect(process.terminationReason == .exit)
        #expect(process.terminationStatus == 130)
        #expect(try folder.contents() == [])
    }
}
