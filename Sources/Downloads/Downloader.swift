import Files
import Foundation

/// Downloader with resume, retries, mirrors and checksums.
///
/// Received data is stored in `NAME.part`. The file gets its final name when it is complete and verified.
public struct Downloader: Sendable {
    /// Pauses before retries at the same address, in seconds. Their number is the maximum number of consecutive
    /// retries without progress.
    public var pauses: [Double] = [1, 2, 4, 8, 16]
    /// Seconds without data after which a connection is closed.
    public var stallSeconds = 30

    /// Result of a download.
    public struct Result: Sendable {
        /// Path of the file.
        public let path: String
        /// Size in bytes.
        public let byteCount: Int
        /// SHA-256 of the file, 64 hexadecimal digits.
        public let sha256: String
        /// Whether a published checksum was compared.
        public let isVerified: Bool
        /// Whether the file already existed.
        public let wasThere: Bool
    }

    /// An event during a download.
    public enum Event: Sendable {
        /// Number of received bytes, and the total if known.
        case progress(done: Int, total: Int?)
        /// A message for the user, such as the announcement of a retry.
        case note(String)
    }

    /// Creates a downloader with the default pauses.
    public init() {}

    /// Downloads a file, or verifies it if it already exists.
    /// - Parameters:
    ///   - download: the file.
    ///   - folder: destination folder, which is created if necessary.
    ///   - events: called on the caller's thread.
    ///   - cancelled: polled at least five times per second.
    /// - Returns: path, size and checksum of the file.
    /// - Throws: `DownloadError` with the reasons for all addresses if the file cannot be downloaded, or if an
    ///   existing file is not the expected one; `FileError` if the received file cannot be read; `CancellationError`
    ///   if cancelled.
    public func fetch(
        _ download: Download, to folder: String, events: (Event) -> Void = { _ in },
        cancelled: () -> Bool = { false }
    ) throws -> Result {
        let curl = try CurlTransfer.find()
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw DownloadError("\(folder): the folder cannot be created: \(error.localizedDescription)")
        }
        let target = folder + "/" + download.fileName
        if FileManager.default.fileExists(atPath: target) { return try check(existing: target, download) }

        let part = try PartFile(for: target)
        defer { part.removeIfEmpty() }
        var reasons: [String] = []
        for address in download.addresses {
            if let result = try attempt(
                download, from: address, with: curl, into: part, target: target, reasons: &reasons,
                events: events,
                cancelled: cancelled)
            {
                return result
            }
        }
        throw DownloadError(
            "\(download.fileName) cannot be downloaded:\n" + reasons.map { "  " + $0 }.joined(separator: "\n")
        )
    }

    /// Downloads from one address. Returns nil and appends a reason if the address does not have the file.
    private func attempt(
        _ download: Download, from address: String, with curl: String, into part: PartFile, target: String,
        reasons: inout [String], events: (Event) -> Void, cancelled: () -> Bool
    ) throws -> Result? {
        while true {
            let isContinued = part.count > 0
            do {
                try transfer(
                    download, from: address, with: curl, into: part, events: events, cancelled: cancelled)
                let result = try verify(path: part.path, download, target: target, wasThere: false)
                try part.finish(as: target)
                return result
            } catch let error as CurlTransfer.Failure {
                reasons.append("\(address): \(explain(error))")
            } catch let error as Mismatch {
                try part.empty()
                // The received part can belong to another version.
                if isContinued {
                    events(.note("\(error); starting from the beginning"))
                    continue
                }
                reasons.append("\(address): \(error)")
            }
            events(.note(reasons.last ?? ""))
            return nil
        }
    }

    /// The file was received, but is not the expected one.
    private struct Mismatch: Error, CustomStringConvertible {
        let description: String
    }

    /// Downloads the whole file from one address, with as many connections as necessary.
    private func transfer(
        _ download: Download, from address: String, with curl: String, into part: PartFile,
        events: (Event) -> Void, cancelled: () -> Bool
    ) throws {
        // Data from another address can belong to another version. It is kept only if a checksum will be compared.
        if part.count > 0, part.address != address, download.checksum == nil { try part.empty() }
        if part.count > 0 { events(.note("resuming after \(part.count) bytes")) }
        let transfer = CurlTransfer(curl: curl, address: address, stallSeconds: stallSeconds)
        var tries = 0
        while true {
            let before = part.count
            do {
                try transfer.run(
                    into: part, progress: { events(.progress(done: $0, total: $1)) }, cancelled: cancelled)
                return
            } catch CurlTransfer.Failure.complete {
                return
            } catch CurlTransfer.Failure.cannotContinue {
                events(.note("the server cannot resume a transfer; starting from the beginning"))
                try part.empty()
                guard tries < pauses.count else {
                    throw CurlTransfer.Failure.transient("the file was never received completely")
                }
                tries += 1
            } catch CurlTransfer.Failure.transient(let reason) {
                if part.count > before { tries = 0 }
                guard tries < pauses.count else { throw CurlTransfer.Failure.transient(reason) }
                events(.note("\(reason); retrying in \(Int(pauses[tries].rounded(.up))) s"))
                try wait(pauses[tries], cancelled)
                tries += 1
            }
        }
    }

    private func wait(_ seconds: Double, _ cancelled: () -> Bool) throws {
        let end = Date().addingTimeInterval(seconds)
        while Date() < end {
            if cancelled() { throw CancellationError() }
            Thread.sleep(forTimeInterval: min(0.1, max(0, end.timeIntervalSinceNow)))
        }
    }

    // MARK: - Checking

    private func check(existing target: String, _ download: Download) throws -> Result {
        do {
            return try verify(path: target, download, target: target, wasThere: true)
        } catch let error as Mismatch {
            throw DownloadError(
                "\(target): the file already exists, but \(error.description): move it away to "
                    + "download it again")
        }
    }

    private func verify(path: String, _ download: Download, target: String, wasThere: Bool) throws -> Result {
        let kind = try FileKind.detect(path: path)
        switch (download.content, kind) {
        case (_, .html): throw Mismatch(description: "it is a web page, not \(download.fileName)")
        case (_, .empty): throw Mismatch(description: "it is empty")
        case (.zip, .zip), (.gzip, .gzip), (.text, .text), (.text, .unknown): break
        case (.weights, .zip), (.weights, .pickle), (.weights, .safetensors), (.weights, .unknown): break
        default: throw Mismatch(description: "it is not a \(download.content) file")
        }
        let sha256 = try Digest.sha256(file: path)
        switch download.checksum {
        case .sha256(let expected) where expected.lowercased() != sha256:
            throw Mismatch(description: "its SHA-256 is \(sha256), expected \(expected)")
        case .sha256Beginning(let expected) where !sha256.hasPrefix(expected.lowercased()):
            throw Mismatch(description: "its SHA-256 is \(sha256), expected one that begins with \(expected)")
        case .md5(let expected):
            let md5 = try Digest.md5(file: path)
            guard expected.lowercased() == md5 else {
                throw Mismatch(description: "its MD5 is \(md5), expected \(expected)")
            }
        default: break
        }
        return Result(
            path: target, byteCount: try MappedFile(path: path).count, sha256: sha256,
            isVerified: download.checksum != nil, wasThere: wasThere)
    }

    private func explain(_ failure: CurlTransfer.Failure) -> String {
        switch failure {
        case .transient(let reason): "\(reason), also after retries"
        case .refused(let reason): reason
        case .webPage(let title):
            "the server sent a web page" + (title.isEmpty ? "" : " (\"\(title)\")") + " instead of the file"
        case .cannotContinue, .complete: "the responses of the server are inconsistent"
        }
    }
}
