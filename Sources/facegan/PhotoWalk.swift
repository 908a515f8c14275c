import ArgumentParser
import Console

/// A walk over photographs: one that fails is named, and the others are done all the same.
struct PhotoWalk {
    /// Files that were written.
    private(set) var written = 0
    /// Photographs that came out well.
    private(set) var done = 0
    private var failed = 0
    private let line: ProgressLine

    /// Goes through the photographs until the last one or Ctrl-C.
    /// - Parameters:
    ///   - advice: an error in words, for the one who gave the photograph.
    ///   - body: works on one photograph, may say how far it is, and returns how many files it has written;
    ///     `CancellationError` ends the walk.
    init(
        _ verb: String, _ photos: [PhotoList.Photo], advice: (any Error) -> String = { "\($0)" },
        body: (_ photo: PhotoList.Photo, _ note: (String) -> Void) throws -> Int
    ) {
        line = ProgressLine(verb, total: photos.count, unit: .things("photographs"))
        for photo in photos {
            if Interrupt.isRequested { break }
            do {
                written += try body(photo) { line.update(done + failed, note: $0) }
                done += 1
            } catch is CancellationError {
                break
            } catch {
                failed += 1
                line.print("\(photo.path): \(advice(error))")
            }
            line.update(done + failed, note: failed > 0 ? "\(failed) failed" : "")
        }
        line.finish()
    }

    /// Says what was written and how many failed.
    /// - Throws: `ExitCode` on Ctrl-C, and when a photograph failed.
    func finish(_ text: String) throws {
        ConsoleOutput.standardOutput.writeLine(
            text + (failed > 0 ? "; \(Readable.count(failed, "photograph")) failed" : ""))
        if Interrupt.isRequested { throw ExitCode(Interrupt.exitStatus) }
        if failed > 0 { throw ExitCode.failure }
    }
}
