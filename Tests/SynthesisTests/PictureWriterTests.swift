import Foundation
import Imaging
import Provenance
import Synchronization
import Synthesis
import TestSupport
import Testing

@Suite struct PictureWriterTests {
    private func image(_ level: UInt8) -> SyntheticImage {
        SyntheticImage(
            picture: Picture(width: 8, height: 8, channels: 3, filledWith: level),
            origin: Origin(software: Origin.program, model: "test"))
    }

    @Test func allPicturesAreWritten() throws {
        let folder = try TemporaryFolder()
        let counts = Mutex<[Int]>([])
        let writer = PictureWriter(threads: 3) { count in counts.withLock { $0.append(count) } }
        for part in 0..<20 {
            try writer.write(
                try (0..<2).map { index in
                    let number = 2 * part + index
                    return (
                        try PictureFile(path: folder.file("\(number).png"), format: nil), image(UInt8(number))
                    )
                })
        }
        try writer.finish()
        #expect(writer.written == 40)
        #expect(counts.withLock { $0.sorted() } == (1...20).map { 2 * $0 })
        for number in 0..<40 {
            let bytes = try #require(FileManager.default.contents(atPath: folder.file("\(number).png")))
            #expect(try PictureDecoder.decode(Array(bytes)).picture == image(UInt8(number)).picture)
        }
    }

    @Test func theFirstErrorReachesTheCaller() throws {
        let folder = try TemporaryFolder()
        let writer = PictureWriter(threads: 2) { _ in }
        try writer.write([(try PictureFile(path: folder.file("no/such/a.png"), format: nil), image(1))])
        let error = #expect(throws: (any Error).self) { try writer.finish() }
        #expect("\(error!)".contains("no/such"))
        #expect(throws: (any Error).self) {
            try writer.write([(try PictureFile(path: folder.file("b.png"), format: nil), image(1))])
        }
        #expect(writer.written == 0)
    }

    /// A writer that is released without `finish()` ends its threads.
    @Test func unfinishedWritersAreReleased() throws {
        let folder = try TemporaryFolder()
        weak var released: PictureWriter?
        do {
            let writer = PictureWriter(threads: 2) { _ in }
            released = writer
            try writer.write([(try PictureFile(path: folder.file("a.png"), format: nil), image(1))])
        }
        #expect(released == nil)
    }

    @Test func formatsFollowFromNames() throws {
        #expect(try PictureFile(path: "a.JPG", format: nil).format == .jpeg)
        #expect(try PictureFile(path: "folder.x/a", format: .png).format == .png)
        let contradiction = #expect(throws: SynthesisError.self) {
            try PictureFile(path: "a.png", format: .jpeg)
        }
        #expect("\(contradiction!)".contains("--format jpeg"))
        #expect(throws: SynthesisError.self) { try PictureFile(path: "a.bmp", format: nil) }
    }
}
