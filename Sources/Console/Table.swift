/// Rows in aligned columns.
public struct Table: Sendable, CustomStringConvertible {
    /// Where the text of a column stands.
    public enum Alignment: Sendable { case left, right }

    public var headers: [String]
    public var alignments: [Alignment]
    public private(set) var rows: [[String]] = []

    /// - Parameter alignments: one a column; missing ones are left.
    public init(_ headers: [String], alignments: [Alignment] = []) {
        self.headers = headers
        self.alignments = alignments
    }

    /// Adds a row; missing cells stay empty.
    public mutating func add(_ cells: [String]) {
        precondition(cells.count <= headers.count, "a row has more cells than the table has columns")
        rows.append(cells + Array(repeating: "", count: headers.count - cells.count))
    }

    /// The table as lines for an output: headers in bold, the last column wrapped to the width.
    public func lines(for output: ConsoleOutput) -> [String] {
        let width = output.isInteractive ? output.width : nil
        let hasHeaders = headers.contains { !$0.isEmpty }
        let head = hasHeaders ? layout(headers, width).map { output.styled($0, .bold) } : []
        return head + rows.flatMap { layout($0, width) }
    }

    /// The table as plain text without a limit of width.
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
        let room = max(24, (width ?? .max) - indent)
        let wrapped = TextWidth.columns(last) > room ? TextWidth.wrapped(last, to: room) : [last]
        let space = String(repeating: " ", count: indent)
        return wrapped.enumerated().map { trimmed(($0 == 0 ? line : space) + $1) }
    }

    private func trimmed(_ line: String) -> String {
        var line = line
        while line.last == " " { line.removeLast() }
        return line
    }
}
