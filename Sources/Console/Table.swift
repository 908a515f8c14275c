/// Text table with aligned columns.
public struct Table: Sendable, CustomStringConvertible {
    /// Alignment of text in a column.
    public enum Alignment: Sendable {
        /// Left.
        case left
        /// Right.
        case right
    }

    /// Headers of the columns.
    public var headers: [String]
    /// Alignments of the columns; columns without one are aligned left.
    public var alignments: [Alignment]
    /// Cells of the rows.
    public private(set) var rows: [[String]] = []

    /// Creates an empty table.
    /// - Parameters:
    ///   - headers: headers of the columns; empty texts for a table without a header row.
    ///   - alignments: one per column; columns without one are aligned left.
    public init(_ headers: [String], alignments: [Alignment] = []) {
        self.headers = headers
        self.alignments = alignments
    }

    /// Adds a row. Missing cells are empty.
    public mutating func add(_ cells: [String]) {
        precondition(
            cells.count <= headers.count,
            "Table: expected at most \(headers.count) cells, got \(cells.count)")
        rows.append(cells + Array(repeating: "", count: headers.count - cells.count))
    }

    /// Lines of the table for an output, with bold headers and the last column wrapped to the width of the terminal.
    public func lines(for output: ConsoleOutput) -> [String] {
        let width = output.isInteractive ? output.width : nil
        let hasHeaders = headers.contains { !$0.isEmpty }
        let head = hasHeaders ? layout(headers, width).map { output.styled($0, .bold) } : []
        return head + rows.flatMap { layout($0, width) }
    }

    /// The table as plain text of unlimited width.
    public var description: String {
        let hasHeaders = headers.contains { !$0.isEmpty }
        return ((hasHeaders ? [headers] : []) + rows).flatMap { layout($0, nil) }.joined(separator: "\n")
    }

    private func layout(_ cells: [String], _ width: Int?) -> [String] {
        let widths = headers.indices.map { column in
            ([headers] + rows).map { TextWidth.columns($0[column]) }.max() ?? 0
        }
        var line = ""
        for (column, cell) in cells.enumerated().dropLast() {
            let right = column < alignments.count && alignments[column] == .right
            line += TextWidth.padded(cell, to: widths[column], right: right) + "  "
        }
        guard let last = cells.last, let lastWidth = widths.last else { return [trimmed(line)] }
        let right = alignments.count == cells.count && alignments.last == .right
        if right { return [trimmed(line + TextWidth.padded(last, to: lastWidth, right: true))] }
        let indent = TextWidth.columns(line)
        let available = max(24, (width ?? .max) - indent)
        let wrapped = TextWidth.columns(last) > available ? TextWidth.wrapped(last, to: available) : [last]
        let space = String(repeating: " ", count: indent)
        return wrapped.enumerated().map { trimmed(($0 == 0 ? line : space) + $1) }
    }

    private func trimmed(_ line: String) -> String {
        var line = line
        while line.last == " " { line.removeLast() }
        return line
    }
}

/// Text measurement in columns of a terminal.
public enum TextWidth {
    /// Width of text in columns. Chinese, Japanese and Korean characters and emoji have two columns.
    public static func columns(_ text: String) -> Int {
        text.reduce(0) { $0 + columns($1) }
    }

    private static func columns(_ character: Character) -> Int {
        guard let scalar = character.unicodeScalars.first else { return 0 }
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x200B...0x200F, 0xFDD0...0xFDEF, 0xFE00...0xFE0F: return 0
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF,
            0xFE30...0xFE4F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F9FF,
            0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }

    /// Returns text truncated to a width, with a final `…` if characters are omitted.
    public static func truncated(_ text: String, to width: Int) -> String {
        guard columns(text) > width else { return text }
        guard width > 0 else { return "" }
        var out = ""
        var used = 0
        for character in text {
            let next = columns(character)
            if used + next > width - 1 { break }
            out.append(character)
            used += next
        }
        return out + "…"
    }

    /// Returns text padded with spaces to a width, at the end or, if `right` is true, at the beginning.
    public static func padded(_ text: String, to width: Int, right: Bool = false) -> String {
        let space = String(repeating: " ", count: max(0, width - columns(text)))
        return right ? space + text : text + space
    }

    /// Breaks text at spaces into lines of at most `width` columns. Longer words are not broken.
    public static func wrapped(_ text: String, to width: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if line.isEmpty {
                line = String(word)
            } else if columns(line) + 1 + columns(String(word)) <= width {
                line += " " + word
            } else {
                lines.append(line)
                line = String(word)
            }
        }
        return lines + [line]
    }
}
