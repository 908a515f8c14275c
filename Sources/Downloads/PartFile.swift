import Foundation

/// The received part of a download, in `NAME.part`, and its origin, in `NAME.part.from`.
final class PartFile {
    let path: String
    private(set) var count: Int
    /// Address of the received data; nil if unknown.
    private(set) var address: String?
    /// Entity tag of the received version; nil if unknown.
    private(set) var tag: String?
    private var descriptor: Int32

    /// Opens or creates the part.
    ///
    /// - Throws: `DownloadError` if it cannot be written or another program is using it.
    init(for target: String) throws {
        path = target + ".part"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw PartFile.failure(path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw DownloadError(
                "\(path): another program is downloading this file: wait until it has finished or stop it")
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

    /// Records the origin of the following bytes.
    func recordOrigin(address: String, tag: String?) throws {
        self.address = address
        self.tag = tag
        do {
            try "\(address)\n\(tag ?? "")\n".write(toFile: path + ".from", atomically: true, encoding: .utf8)
        } catch {
            throw PartFile.failure(path)
        }
    }

    /// Discards all received data.
    func empty() throws {
        guard ftruncate(descriptor, 0) == 0 else { throw PartFile.failure(path) }
        count = 0
        address = nil
        tag = nil
    }

    /// Renames the part to its final name.
    func finish(as target: String) throws {
        guard fsync(descriptor) == 0, rename(path, target) == 0 else { throw PartFile.failure(path) }
        unlink(path + ".from")
        close(descriptor)
        descriptor = -1
    }

    /// Removes an empty part. A part with data is kept for the next try.
    func removeIfEmpty() {
        guard descriptor >= 0, count == 0 else { return }
        unlink(path)
        unlink(path + ".from")
    }

    private static func failure(_ path: String) -> DownloadError {
        DownloadError(
            "\(path): the file cannot be written: \(String(cString: strerror(errno))): check the "
                + "permissions of the folder and the free disk space")
    }
}

/// The last header block of an HTTP response. curl writes the headers before the body.
struct ResponseHead {
    let status: Int
    /// Header fields by lower-case name.
    let fields: [String: String]

    /// Removes complete header blocks from the front of `bytes`.
    ///
    /// Returns the header of the final response, after redirections and interim responses, or nil if it is not
    /// complete. The first bytes of the body remain in `bytes`.
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

    /// Start and total of `bytes 100-199/200`, or only the total of `bytes */200`.
    var contentRange: (start: Int?, total: Int?) {
        guard let range = fields["content-range"], range.hasPrefix("bytes ") else { return (nil, nil) }
        let parts = range.dropFirst(6).split(separator: "/")
        return (
            parts.first.flatMap { $0.split(separator: "-").first }.flatMap { Int($0) },
            parts.count == 2 ? Int(parts[1]) : nil
        )
    }

    /// Strong entity tag, which is required for `If-Range`.
    var strongTag: String? { fields["etag"].flatMap { $0.hasPrefix("W/") ? nil : $0 } }

    var isWebPage: Bool { fields["content-type"]?.lowercased().hasPrefix("text/html") ?? false }
}

/// An error of a download. The text states what is wrong, where, and what to do.
public struct DownloadError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The message.
    public let description: String

    /// Creates an error with a message.
    public init(_ description: String) { self.description = description }
}
