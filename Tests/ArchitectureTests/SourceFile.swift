import Foundation
import TestSupport

/// A text file of the package.
struct SourceFile {
    /// Below the package's root, such as `Sources/Imaging/Picture.swift`.
    let path: String
    let text: String

    var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }

    /// The code without comments that begin a line or follow a space; strings are not looked into.
    var code: [Substring] {
        lines.map { line in
            if line.drop(while: \.isWhitespace).hasPrefix("//") { return "" }
            return line.range(of: " // ").map { line[..<$0.lowerBound] } ?? line
        }
    }

    /// The modules that a Swift file imports: `import A`, `public import A`, `@preconcurrency import A`,
    /// `import struct A.B` and `import A.B` all name A.
    var imports: Set<String> {
        var found: Set<String> = []
        for line in code {
            var words = line.split(whereSeparator: { $0 == " " || $0 == ";" })[...]
            let modifiers: Set<Substring> = ["public", "package", "internal", "fileprivate", "private"]
            while let word = words.first, word.hasPrefix("@") || modifiers.contains(word) {
                words.removeFirst()
            }
            guard words.popFirst() == "import", var module = words.popFirst() else { continue }
            let kinds: Set<Substring> = [
                "struct", "class", "enum", "protocol", "func", "let", "var", "typealias",
            ]
            if kinds.contains(module), let next = words.popFirst() { module = next }
            found.insert(String(module.prefix { $0 != "." }))
        }
        return found
    }

    /// The files below `folder` whose names end with one of `endings`, sorted by path.
    static func all(below folder: String, endings: [String]) throws -> [SourceFile] {
        let root = packageRoot() + "/"
        let names = FileManager.default.enumerator(atPath: root + folder)?.allObjects as? [String] ?? []
        return try names.filter { name in endings.contains { name.hasSuffix($0) } }.sorted().map { name in
            let path = folder + "/" + name
            return SourceFile(path: path, text: try String(contentsOfFile: root + path, encoding: .utf8))
        }
    }
}
