import Files
import Foundation

/// Fetches files with resume, retries, mirrors and checksums.
///
/// What has come stays in `NAME.part` until it is whole and verified; only then does the file get its name.
public struct Downloader: Sendable {
    /// Pauses between tries at one address, in seconds; as many tries more as there are pauses. Any progress starts them
    /// anew.
    public var pauses: [Double] = [1, 2, 4, 8, 16]
    /// Seconds without a byte after which a connection counts as dead.
    public var stallSeconds = 30

    /// What a download ended with.
    public struct Result: Sendable {
        public let path: String
        public let byteCount: Int
        /// Of the file as it is now.
        public let sha256: String
        /// Whether a published checksum was compared.
        public let isVerified: Bool
        /// Whether the file was there already.
        public let wasThere: Bool
    }

    public enum Event: Sendable {
        case progress(done: Int, total: Int?)
        /// Something that a person should know, such as the next try.
        case note(String)
    }

    public init() {}

    /// - Parameters:
    ///   - folder: is made if it does not exist.
    ///   - events: called on the caller's thread.
    ///   - cancelled: asked at least five times a second.
    /// - Throws: `DownloadError` with every address' reason if none gave the file; `CancellationError`.
    public func fetch(
        _ download: Download, to folder: String, events: (Event) -> Void = { _ in },
        cancelled: () -> Bool = { false }
    ) throws -> Result {
        let curl = try CurlTransfer.find()
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw DownloadError("\(folder): the folder cannot be made: \(error.localizedDescription)")
        }
        let target = folder + "/" + download.fileName
        if FileManager.default.fileExists(atPath: target) { return try check(existing: target, download) }

        let part = try PartFile(for: target)
        defer { part.leave() }
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
            "\(download.fileName) could not be fetched:\n" + reasons.map { "  " + $0 }.joined(separator: "\n")
        )
    }

    /// Everything that one address has to give; nil, and a reason more, if that is not the file.
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
                // The beginning may have been another version's.
                if isContinued {
                    events(.note("\(error); beginning anew"))
                    continue
                }
                reasons.append("\(address): \(error)")
            }
            events(.note(reasons.last ?? ""))
            return nil
        }
    }

    /// The file came, but it is not the right one.
    private struct Mismatch: Error, CustomStringConvertible {
        let description: String
    }

    /// Gets the whole file from one address, over as many connections as it takes.
    private func transfer(
        _ download: Download, from address: String, with curl: String, into part: PartFile,
        events: (Event) -> Void, cancelled: () -> Bool
    ) throws {
        // Bytes of another address may belong to another version, unless the checksum says what they must become.
        if part.count > 0, part.address != address, download.checksum == nil { try part.empty() }
        if part.count > 0 { events(.note("continuing after \(part.count) bytes")) }
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
                events(.note("the server cannot continue a file: beginning anew"))
                try part.empty()
                guard tries < pauses.count else {
                    throw CurlTransfer.Failure.transient("it never came whole")
                }
                tries += 1
            } catch CurlTransfer.Failure.transient(let reason) {
                if part.count > before { tries = 0 }
                guard tries < pauses.count else { throw CurlTransfer.Failure.transient(reason) }
                events(.note("\(reason); trying again in \(Int(pauses[tries].rounded(.up))) s"))
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
                "\(target): it is there already, but \(error.description): move it away to fetch it again")
        }
    }

    private func verify(path: String, _ download: Download, target: String, wasThere: Bool) throws -> Result {
        let kind = try FileKind.detect(path: path)
        switch (download.content, kind) {
        case (_, .html): throw Mismatch(description: "it is a web page, not \(download.fileName)")
        case (_, .empty): throw Mismatch(description: "it is empty")
        case (.zip, .zip), (.gzip, .gzip), (.text, .unknown): break
        case (.weights, .zip), (.weights, .unknown), (.weights, .safetensors): break
        default: throw Mismatch(description: "it is no \(download.content) file")
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
        case .transient(let reason): "\(reason), also after more tries"
        case .refused(let reason): reason
        case .webPage(let title):
            "the server sent a web page" + (title.isEmpty ? "" : " (\"\(title)\")") + " instead of the file"
        case .cannotContinue, .complete: "the server contradicts itself"
        }
    }
}
