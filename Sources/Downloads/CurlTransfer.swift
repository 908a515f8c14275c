import Files
import Foundation

/// A request by the program `curl`. Its output is read through a pipe, so curl ends when this program ends.
struct CurlTransfer {
    enum Failure: Error {
        /// The connection failed or the server is overloaded. Another try is useful.
        case transient(String)
        /// The file is not available at this address.
        case refused(String)
        /// The server sent a web page, with its title if it has one.
        case webPage(String)
        /// The transfer cannot be resumed from the received part.
        case cannotContinue
        /// The file was already received completely.
        case complete
    }

    let curl: String
    let address: String
    /// Seconds without data after which a connection is closed.
    let stallSeconds: Int

    /// Finds curl in the search path.
    ///
    /// - Throws: `DownloadError` if there is none.
    static func find() throws -> String {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        for folder in path.split(separator: ":") {
            let candidate = folder + "/curl"
            if FileManager.default.isExecutableFile(atPath: String(candidate)) { return String(candidate) }
        }
        throw DownloadError(
            "downloads need the program 'curl', which is not installed: install it (Debian and Ubuntu: "
                + "apt-get install curl; Fedora: dnf install curl)")
    }

    /// Requests the missing rest of `part` and appends it.
    /// - Throws: `Failure`, `CancellationError`, or `DownloadError` if curl cannot be started or the file cannot be
    ///   written.
    func run(into part: PartFile, progress: (_ done: Int, _ total: Int?) -> Void, cancelled: () -> Bool)
        throws
    {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: curl)
        process.arguments = arguments(offset: part.count, tag: part.address == address ? part.tag : nil)
        let output = Pipe()
        let errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = FileHandle.nullDevice
        do {
            try process.run()
        } catch {
            throw DownloadError("\(curl): the program cannot be started: \(error.localizedDescription)")
        }
        defer {
            // SIGTERM is not sufficient: if a thread blocks it, programs started by the thread inherit the block.
            if process.isRunning { kill(process.processIdentifier, SIGKILL) }
            process.waitUntilExit()
        }
        let offset = part.count
        // The pipe is closed when its object is deallocated.
        let head = try withExtendedLifetime(output) {
            try receive(
                from: output.fileHandleForReading.fileDescriptor, into: part, progress: progress,
                cancelled: cancelled)
        }
        process.waitUntilExit()
        if cancelled() { throw CancellationError() }
        let message = String(decoding: errors.fileHandleForReading.availableData.prefix(500), as: UTF8.self)
        try check(
            exit: process.terminationStatus, head: head, offset: offset, count: part.count, message: message)
    }

    private func arguments(offset: Int, tag: String?) -> [String] {
        var arguments = [
            "--location", "--fail", "--silent", "--show-error", "--include", "--suppress-connect-headers",
            "--connect-timeout", "20", "--speed-limit", "1", "--speed-time", String(stallSeconds),
            // A redirection never leaves https. Only an address that a user wrote begins with http.
            "--proto", address.lowercased().hasPrefix("http:") ? "=http,https" : "=https",
            "--proto-redir", address.lowercased().hasPrefix("http:") ? "=http,https" : "=https",
            "--user-agent", "Mozilla/5.0 (compatible; facegan)",
        ]
        if offset > 0 {
            arguments += ["--continue-at", String(offset)]
            if let tag { arguments += ["--header", "If-Range: \(tag)"] }
        }
        return arguments + ["--", address]
    }

    /// Reads the headers and writes the body to the part.
    private func receive(
        from descriptor: Int32, into part: PartFile, progress: (_ done: Int, _ total: Int?) -> Void,
        cancelled: () -> Bool
    ) throws -> ResponseHead? {
        var head: ResponseHead?
        var total: Int?
        var isChecked = part.count > 0
        var pending: [UInt8] = []
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
        defer { buffer.deallocate() }

        func accept(atEnd: Bool = false) throws {
            if head == nil {
                guard let complete = ResponseHead.take(from: &pending) else { return }
                head = complete
                if (200..<300).contains(complete.status) { total = try begin(complete, part) }
            }
            guard !pending.isEmpty else { return }
            if !isChecked {
                // A web page can be sent without its content type. The first 1024 bytes are examined at once.
                if pending.count < 1024, !atEnd { return }
                if FileKind.detect(Array(pending.prefix(1024)), count: .max) == .html {
                    throw Failure.webPage(CurlTransfer.title(of: pending))
                }
                isChecked = true
            }
            try pending.withUnsafeBytes { try part.write($0) }
            pending.removeAll(keepingCapacity: true)
            progress(part.count, total)
        }

        while true {
            if cancelled() { throw CancellationError() }
            var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = poll(&waiting, 1, 200)
            if ready == 0 || (ready < 0 && errno == EINTR) { continue }
            let read = read(descriptor, buffer.baseAddress, buffer.count)
            if read < 0, errno == EINTR { continue }
            guard read > 0 else { break }
            pending += buffer[..<read]
            try accept()
        }
        try accept(atEnd: true)
        return head
    }

    /// Checks that the body is the requested part and returns the size of the whole file.
    private func begin(_ head: ResponseHead, _ part: PartFile) throws -> Int? {
        if head.status == 206 {
            guard head.contentRange.start == part.count else { throw Failure.cannotContinue }
            try part.recordOrigin(address: address, tag: head.strongTag ?? part.tag)
            return head.contentRange.total
        }
        if part.count == 0 { try part.recordOrigin(address: address, tag: head.strongTag) }
        return head.contentLength
    }

    /// Converts the exit status of curl and the HTTP status to a failure.
    private func check(exit: Int32, head: ResponseHead?, offset: Int, count: Int, message: String) throws {
        let reason =
            message.split(whereSeparator: \.isNewline).first.map(String.init)
            ?? "curl failed with exit status \(exit)"
        switch exit {
        case 0:
            let total = head?.status == 206 ? head?.contentRange.total : head?.contentLength
            if let total, head?.fields["content-encoding"] == nil, count != total {
                throw Failure.transient("the connection was closed after \(count) of \(total) bytes")
            }
        case 33:
            // The server sent the whole file or a web page instead of the requested rest.
            throw head?.isWebPage == true ? Failure.webPage("") : Failure.cannotContinue
        case 22:
            let status = head?.status ?? 0
            if status == 416 {
                throw head?.contentRange.total == offset && offset > 0
                    ? Failure.complete : Failure.cannotContinue
            }
            if status >= 500 || status == 429 || status == 408 {
                throw Failure.transient("HTTP status \(status)")
            }
            throw Failure.refused("HTTP status \(status)")
        case 1, 3, 5, 6, 47, 51, 60: throw Failure.refused(reason)
        default: throw Failure.transient(reason)
        }
    }

    private static func title(of page: [UInt8]) -> String {
        let text = String(decoding: page.prefix(16_384), as: UTF8.self)
        guard let start = text.range(of: "<title>", options: .caseInsensitive),
            let end = text.range(
                of: "</title>", options: .caseInsensitive, range: start.upperBound..<text.endIndex)
        else { return "" }
        return String(text[start.upperBound..<end.lowerBound].prefix(100))
    }
}
