import Foundation
import TestSupport
import Testing

@Suite struct DocumentsTests {
    /// The two readmes are one page in two languages: same headings, same code, same pictures.
    @Test func readmesSayTheSame() throws {
        let english = try Document(path: "README.md")
        let chinese = try Document(path: "README.zh.md")
        #expect(english.headingLevels == chinese.headingLevels)
        #expect(english.codeBlocks.map(\.commands) == chinese.codeBlocks.map(\.commands))
        #expect(english.pictures == chinese.pictures)
        #expect(english.tableRows == chinese.tableRows)
        #expect(english.headingLevels.count > 3)
    }

    @Test func linksLead() throws {
        let documents = try Document.all()
        #expect(documents.count > 4)
        for document in documents {
            for link in document.links {
                let target = document.folder + link
                #expect(
                    FileManager.default.fileExists(atPath: packageRoot() + "/" + target),
                    "\(document.path) points at \(link), which is not there")
            }
        }
    }

    /// Commands in documents exist: every `make x` is a target, every `./facegan x` a command file.
    @Test func commandsExist() throws {
        let makefile = try String(contentsOfFile: packageRoot() + "/Makefile", encoding: .utf8)
        let targets = Set(makefile.matches(of: /(?m)^([a-z-]+):/).map { String($0.1) })
        for document in try Document.all() {
            for line in document.codeBlocks.flatMap(\.commands) {
                guard let match = line.firstMatch(of: /^\s*make\s+([a-z-]+)/) else { continue }
                #expect(targets.contains(String(match.1)), "\(document.path): \(line)")
            }
        }
    }
}
