import FaceGAN
import Foundation
import TestSupport
import Testing

/// The program in Docs/Library.md equals Examples/FirstFaces, which runs.
@Suite struct LibraryTests {
    static let source = packageRoot() + "/Examples/FirstFaces/FirstFaces.swift"

    @Test func thePageShowsTheProgram() throws {
        let page = try String(contentsOfFile: packageRoot() + "/Docs/Library.md", encoding: .utf8)
        let program = try String(contentsOfFile: Self.source, encoding: .utf8)
        #expect(page.contains("\n```swift\n\(program)```\n"), "Docs/Library.md shows another program")
        #expect(program.split(separator: "\n", omittingEmptySubsequences: false).count - 1 < 40)
    }

    @Test func theProgramRuns() throws {
        let folder = try TemporaryFolder()
        let result = try runProcess(
            builtProducts() + "/FirstFaces", ["0.005", folder.file("run")],
            environment: ["FACEGAN_CACHE": folder.file("cache")])
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.hasPrefix("64 faces after "), "\(result.output)")
        let grid = bytes(folder.file("run/faces.png"))
        #expect(try PictureDecoder.decode(grid).picture.width == 8 * 34 + 2)
        #expect(Provenance.read(grid)?.source == .trainedAlgorithmicMedia)
    }
}
