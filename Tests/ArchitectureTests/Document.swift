import Foundation
import TestSupport

/// A Markdown page of the package.
struct Document {
    let path: String
    /// 1 for `#`, 2 for `##` and so on, in order.
    private(set) var headingLevels: [Int] = []
    private(set) var codeBlocks: [CodeBlock] = []
    /// Relative targets of links and pictures, without anchors.
    private(set) var links: [String] = []
    /// The targets of pictures alone.
    private(set) var pictures: [String] = []
    private(set) var tableRows = 0

    struct CodeBlock {
        var lines: [String] = []
        /// The lines without what is only said to the reader: comments after `#`, and spaces at the end.
        var commands: [String] {
            lines.map { line in
                let code = line.hasPrefix("#") ? "" : line.components(separatedBy: " #")[0]
                return String(code.reversed().drop(while: \.isWhitespace).reversed())
            }
        }
    }

    /// The folder with a slash at its end, or nothing for the root.
    var folder: String {
        path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    }

    init(path: String) throws {
        self.path = path
        var inCode = false
        let text = try String(contentsOfFile: packageRoot() + "/" + path, encoding: .utf8)
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.drop(while: \.isWhitespace).hasPrefix("```") {
                inCode.toggle()
                if inCode { codeBlocks.append(CodeBlock()) }
            } else if inCode {
                codeBlocks[codeBlocks.count - 1].lines.append(String(line))
            } else {
                read(line)
            }
        }
    }

    private mutating func read(_ line: Substring) {
        let level = line.prefix { $0 == "#" }.count
        if level > 0, line.dropFirst(level).hasPrefix(" ") { headingLevels.append(level) }
        if line.hasPrefix("|") { tableRows += 1 }
        for match in line.matches(of: /(!?)\[[^\]]*\]\(([^)\s]+)[^)]*\)/) {
            add(String(match.2), isPicture: !match.1.isEmpty)
        }
        for match in line.matches(of: /<img[^>]*\ssrc="([^"]+)"/) { add(String(match.1), isPicture: true) }
    }

    private mutating func add(_ target: String, isPicture: Bool) {
        guard !target.contains("://"), !target.hasPrefix("mailto:"), !target.hasPrefix("#") else { return }
        let file = String(target.prefix { $0 != "#" })
        links.append(file)
        if isPicture { pictures.append(file) }
    }

    /// Every Markdown page in the root, `Docs` and other tracked folders.
    static func all() throws -> [Document] {
        let listed = try runProcess(
            "/usr/bin/env", ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"])
        return try listed.output.split(separator: "\0").map { try Document(path: String($0)) }
    }
}
