/// The last header block of an HTTP answer, read from a stream in which curl puts headers before the body.
struct ResponseHead {
    let status: Int
    /// By lower-case name.
    let fields: [String: String]

    /// Takes complete header blocks off the front of `bytes`. Returns the head once the block of the final answer has
    /// come (redirections and interim answers are passed over) and leaves the body's first bytes in `bytes`.
    static func take(from bytes: inout [UInt8]) -> ResponseHead? {
        while let end = blockEnd(bytes) {
            let text = String(decoding: bytes[..<end.header], as: UTF8.self)
            bytes.removeFirst(end.body)
            let head = ResponseHead(text)
            let isInterim = (100..<200).contains(head.status)
            let isRedirection = (300..<400).contains(head.status) && head.fields["location"] != nil
            if !isInterim, !isRedirection { return head }
        }
        return nil
    }

    private static func blockEnd(_ bytes: [UInt8]) -> (header: Int, body: Int)? {
        var start = 0
        for (index, byte) in bytes.enumerated() where byte == 0x0A {
            let line = bytes[start..<index]
            if line.isEmpty || line.elementsEqual([0x0D]) { return (start, index + 1) }
            start = index + 1
        }
        return nil
    }

    private init(_ text: String) {
        let lines = text.split(whereSeparator: \.isNewline)
        status = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            fields[line[..<colon].lowercased()] = String(value)
        }
        self.fields = fields
    }

    var contentLength: Int? { fields["content-length"].flatMap { Int($0) } }

    /// Start and total of `bytes 100-199/200`; the total alone of `bytes */200`.
    var contentRange: (start: Int?, total: Int?) {
        guard let range = fields["content-range"], range.hasPrefix("bytes ") else { return (nil, nil) }
        let parts = range.dropFirst(6).split(separator: "/")
        return (
            parts.first.flatMap { $0.split(separator: "-").first }.flatMap { Int($0) },
            parts.count == 2 ? Int(parts[1]) : nil
        )
    }

    /// The tag that makes `If-Range` exact; weak tags do not.
    var strongTag: String? { fields["etag"].flatMap { $0.hasPrefix("W/") ? nil : $0 } }

    var isWebPage: Bool { fields["content-type"]?.lowercased().hasPrefix("text/html") ?? false }
}
