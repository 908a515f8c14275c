import Downloads
import Files
import Foundation
import TestSupport
import Testing

@Suite(.enabled(if: FlakyServer.canRun), .serialized)
struct DownloaderTests {
    private let folder: TemporaryFolder
    private let server: FlakyServer
    private let content: [UInt8]
    private let sum: String

    init() throws {
        folder = try TemporaryFolder()
        // The signature of a gzip file, then non-repeating bytes.
        content = [0x1F, 0x8B, 8, 0] + (0..<600_000).map { UInt8(truncatingIfNeeded: ($0 &* $0) >> 5) }
        sum = Digest.sha256(content)
        server = try FlakyServer(file: folder.write(content, to: "served"))
    }

    private func download(_ paths: [String], checksum: Download.Checksum? = nil) -> Download {
        Download(
            fileName: "x.tgz", addresses: paths.map { server.address + "/\($0)/x.tgz" }, checksum: checksum,
            content: .gzip)
    }

    private func fetch(
        _ paths: [String], checksum: Download.Checksum? = nil, events: (Downloader.Event) -> Void = { _ in },
        cancelled: () -> Bool = { false }
    ) throws -> Downloader.Result {
        var downloader = Downloader()
        downloader.pauses = [0.01, 0.01]
        return try downloader.fetch(
            download(paths, checksum: checksum), to: folder.file("to"), events: events, cancelled: cancelled)
    }

    private func expectWhole(_ result: Downloader.Result) throws {
        #expect(result.sha256 == sum)
        #expect(result.byteCount == content.count)
        #expect(try Data(contentsOf: URL(fileURLWithPath: result.path)) == Data(content))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("to")) == ["x.tgz"])
    }

    @Test(arguments: ["whole", "drops", "drops-once", "busy", "moved", "changed", "unknown"])
    func filesAreDownloadedCompletely(how: String) throws {
        try expectWhole(fetch([how], checksum: .sha256(sum)))
    }

    @Test func checksumsAreOptional() throws {
        for how in ["drops", "changed"] {
            let result = try fetch([how])
            #expect(!result.isVerified)
            try expectWhole(result)
            try FileManager.default.removeItem(atPath: result.path)
        }
    }

    @Test func resumesAfterALostConnection() throws {
        try expectWhole(fetch(["drops"], checksum: .sha256(sum)))
        let third = content.count / 3 + 1
        #expect(
            try server.log() == [
                "/drops/x.tgz - -", "/drops/x.tgz bytes=\(third)- -", "/drops/x.tgz bytes=\(2 * third)- -",
            ])
    }

    @Test func changedFilesAreNotResumed() throws {
        try expectWhole(fetch(["changed"]))
        // Because of the tag, the server sends all of the other version, which curl does not append.
        #expect(try server.log()[1].hasSuffix("\"old\""))
    }

    @Test func laterRunsResumeFromThePart() throws {
        var seen = 0
        #expect(throws: CancellationError.self) {
            try fetch(
                ["drops"], checksum: .sha256(sum),
                events: { event in
                    if case .note = event { seen += 1 }
                }, cancelled: { seen > 0 })
        }
        let part = try MappedFile(path: folder.file("to/x.tgz.part")).count
        #expect(part > 0)
        try expectWhole(fetch(["whole"], checksum: .sha256(sum)))
        #expect(try server.log().last == "/whole/x.tgz bytes=\(part)- -")
    }

    @Test func cancellationStopsATransfer() throws {
        var done = 0
        #expect(throws: CancellationError.self) {
            try fetch(
                ["slow"], checksum: .sha256(sum),
                events: { event in
                    if case .progress(let count, _) = event { done = count }
                }, cancelled: { done > 0 })
        }
        #expect(try MappedFile(path: folder.file("to/x.tgz.part")).count == done)
        try expectWhole(fetch(["whole"], checksum: .sha256(sum)))
    }

    @Test(arguments: ["page", "silent-page"])
    func webPagesAreRejected(how: String) throws {
        let error = #expect(throws: DownloadError.self) { try fetch([how]) }
        #expect(error?.description.contains("Quota exceeded") == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("to")) == [])
    }

    @Test func webPagesDoNotDamageThePart() throws {
        let error = #expect(throws: DownloadError.self) { try fetch(["page-later"], checksum: .sha256(sum)) }
        #expect(error?.description.contains("web page") == true)
        #expect(try MappedFile(path: folder.file("to/x.tgz.part")).count == content.count / 2)
        try expectWhole(fetch(["whole"], checksum: .sha256(sum)))
    }

    @Test func mirrorsAreTriedInOrder() throws {
        var notes: [String] = []
        let result = try fetch(
            ["missing", "page", "whole"], checksum: .md5(Digest.md5(file: folder.file("served"))),
            events: { if case .note(let text) = $0 { notes.append(text) } })
        try expectWhole(result)
        #expect(result.isVerified)
        #expect(notes.count == 2)
        #expect(notes.first?.contains("404") == true)
    }

    @Test func missingFilesReportEveryAddress() throws {
        let error = #expect(throws: DownloadError.self) { try fetch(["missing", "page"]) }
        let text = error?.description ?? ""
        #expect(text.contains("/missing/x.tgz: HTTP status 404"))
        #expect(text.contains("/page/x.tgz"))
    }

    @Test func wrongChecksumsAreRejected() throws {
        let error = #expect(throws: DownloadError.self) {
            try fetch(["whole"], checksum: .sha256(String(repeating: "0", count: 64)))
        }
        #expect(error?.description.contains(sum) == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("to")) == [])
    }

    @Test func checksumPrefixesAreCompared() throws {
        let error = #expect(throws: DownloadError.self) {
            try fetch(["whole"], checksum: .sha256Beginning(sum.hasPrefix("0") ? "1" : "0"))
        }
        #expect(error?.description.contains("begins with") == true)
        let result = try fetch(["whole"], checksum: .sha256Beginning(String(sum.prefix(8)).uppercased()))
        #expect(result.isVerified)
        try expectWhole(result)
    }

    @Test func unreachableServersAreErrors() throws {
        var downloader = Downloader()
        downloader.pauses = [0.01]
        #expect(throws: DownloadError.self) {
            try downloader.fetch(
                Download(fileName: "x", addresses: ["http://127.0.0.1:1/x"], checksum: nil, content: .gzip),
                to: folder.file("to"))
        }
    }

    @Test func existingFilesAreVerifiedAndKept() throws {
        _ = try fetch(["whole"], checksum: .sha256(sum))
        let again = try fetch(["missing"], checksum: .sha256(sum))
        #expect(again.wasThere)
        let error = #expect(throws: DownloadError.self) {
            try fetch(["whole"], checksum: .md5(String(repeating: "0", count: 32)))
        }
        #expect(error?.description.contains("already exists") == true)
    }

    @Test func progressEndsAtTheTotal() throws {
        var last: (done: Int, total: Int?) = (0, nil)
        _ = try fetch(
            ["drops"],
            events: { event in
                if case .progress(let done, let total) = event {
                    #expect(done >= last.done)
                    last = (done, total)
                }
            })
        #expect(last.done == content.count)
        #expect(last.total == content.count)
    }

    @Test func partsAreLocked() throws {
        try FileManager.default.createDirectory(atPath: folder.file("to"), withIntermediateDirectories: true)
        let held = open(folder.file("to/x.tgz.part"), O_RDWR | O_CREAT, 0o644)
        defer { close(held) }
        try #require(flock(held, LOCK_EX) == 0)
        let error = #expect(throws: DownloadError.self) { try fetch(["whole"]) }
        #expect(error?.description.contains("another program") == true)
    }

    @Test func catalogHasOfficialAddresses() {
        #expect(DownloadCatalog.celebA.map(\.fileName).contains("list_attr_celeba.txt"))
        for edition in DownloadCatalog.LFWEdition.allCases {
            #expect(
                DownloadCatalog.lfw(edition).addresses.contains {
                    $0.hasPrefix("https://vis-www.cs.umass.edu/lfw/")
                })
        }
        // Every file has a SHA-256, except for an edition of which none is published.
        for file in DownloadCatalog.celebA + DownloadCatalog.LFWEdition.allCases.map(DownloadCatalog.lfw) {
            #expect(file.addresses.allSatisfy { $0.hasPrefix("https://") })
            if file.fileName == "lfw-deepfunneled.tgz" {
                #expect(file.checksum == nil)
            } else if case .sha256(let sum) = file.checksum {
                #expect(sum.count == 64)
            } else {
                Issue.record("\(file.fileName) has no SHA-256")
            }
        }
    }
}
