import Foundation

/// The part of a download that has come so far, in `NAME.part`, and in `NAME.part.from` where it came from.
final class PartFile {
    let path: String
    private(set) var count: Int
    /// Where the bytes came from, and the server's tag of that version.
    private(set) var address: String?
    private(set) var tag: String?
    private var descriptor: Int32

    /// Throws `DownloadError` if it cannot be written, or another program is at it.
    init(for target: String) throws {
        path = target + ".part"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw PartFile.failure(path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw DownloadError("\(path): another program is fetching this file: wait for it or end it")
        }
        count = Int(lseek(descriptor, 0, SEEK_END))
        if count > 0, let text = try? String(contentsOfFile: path + ".from", encoding: .utf8) {
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            address = lines.first
            tag = lines.count > 1 && !lines[1].isEmpty ? lines[1] : nil
        }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Appends bytes.
    func write(_ bytes: UnsafeRawBufferPointer) throws {
        var done = 0
        while done < bytes.count {
            let part = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let written = pwrite(descriptor, part.baseAddress, part.count, off_t(count))
            if written < 0 {
                if errno == EINTR { continue }
                throw PartFile.failure(path)
            }
            done += written
            count += written
        }
    }

    /// Notes where the following bytes come from.
    func note(address: String, tag: String?) throws {
        self.address = address
        self.tag = tag
        do {
            try "\(address)\n\(tag ?? "")\n".write(toFile: path + ".from", atomically: true, encoding: .utf8)
        } catch {
            throw PartFile.failure(path)
        }
    }

    /// Throws everything away that has come.
    func empty() throws {
        guard ftruncate(descriptor, 0) == 0 else { throw PartFile.failure(path) }
        count = 0
        address = nil
        tag = nil
    }

    /// Gives the file its final name.
    func finish(as target: String) throws {
        guard fsync(descriptor) == 0, rename(path, target) == 0 else { throw PartFile.failure(path) }
        unlink(path + ".from")
        close(descriptor)
        descriptor = -1
    }

    /// Removes an empty part; one with bytes stays for the next try.
    func leave() {
        guard descriptor >= 0, count == 0 else { return }
        unlink(path)
        unlink(path + ".from")
    }

    private static func failure(_ path: String) -> DownloadError {
        DownloadError(
            "\(path): it cannot be written: \(String(cString: strerror(errno))): check the folder's permissions and the "
                + "free space")
    }
}

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

/// What went wrong with a download; says what, where and what to do.
public struct DownloadError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}
