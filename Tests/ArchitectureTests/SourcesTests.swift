import Foundation
import TestSupport
import Testing

@Suite struct SourcesTests {
    static let endings = [".swift", ".h", ".c", ".cpp"]

    @Test func filesStayShort() throws {
        let long = try ["Sources", "Tests"].flatMap { try SourceFile.all(below: $0, endings: Self.endings) }
            .map { (path: $0.path, lines: $0.lines.count - 1) }.filter { $0.lines > 400 }
        #expect(long.isEmpty, "over 400 lines: \(long.map { "\($0.path) (\($0.lines))" })")
    }

    /// Pictures that we generate leave through Provenance, which writes into them what they are.
    @Test(arguments: ["Training", "Synthesis", "FaceDatasets"])
    func generatedPicturesLeaveThroughProvenance(module: String) throws {
        let files = try SourceFile.all(below: "Sources/" + module, endings: [".swift"])
        #expect(!files.isEmpty)
        for file in files {
            for (number, line) in file.code.enumerated() where line.contains("PictureEncoder") {
                Issue.record("\(file.path):\(number + 1) encodes a picture itself; use SyntheticImage")
            }
        }
    }

    /// The tests run in release, where `@testable` does not work.
    @Test func noTestableImports() throws {
        let mark = "@test" + "able"
        for file in try SourceFile.all(below: "Tests", endings: [".swift"]) {
            #expect(!file.code.contains { $0.hasPrefix(mark) }, "\(file.path): use package access")
        }
    }

    /// Nothing names the machine it was written on.
    @Test func filesNameNoMachine() throws {
        let words = ["work", "root"].map { "/" + $0 + "/" }
        let listed = try runProcess(
            "/usr/bin/env", ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        try #require(listed.status == 0, "\(listed.errors)")
        let paths = listed.output.split(separator: "\0").map(String.init)
        #expect(paths.count > 40)
        for path in paths {
            guard let bytes = FileManager.default.contents(atPath: packageRoot() + "/" + path) else {
                continue
            }
            for word in words where bytes.range(of: Data(word.utf8)) != nil {
                Issue.record("\(path) contains \(word)")
            }
        }
    }
}
