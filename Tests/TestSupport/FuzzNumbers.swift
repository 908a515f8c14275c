import Foundation
import Synchronization

/// Numbers of the mutations of a fuzz test. A mutation depends only on its number.
///
/// `FACEGAN_FUZZ_FILES` is the number of mutations of all fuzz tests together; a test takes its share. `FACEGAN_FUZZ_NUMBER`
/// selects one mutation.
///
/// Each number is written to a file before the mutation is read, so that it is known after a crash. The file is removed at the
/// end. Its folder is `FACEGAN_FUZZ_JOURNAL`, by default `facegan-fuzz` in the temporary folder. A mutation that takes longer than 10 s
/// ends the process.
public struct FuzzNumbers: Sequence {
    /// Name of the test, as in the journal.
    public let name: String
    private let numbers: Range<Int>

    /// Approximate sum of `usual` over all tests.
    private static let usualSum = 10_000

    /// - Parameters:
    ///   - name: name of the test: letters, digits, hyphens.
    ///   - usual: number of mutations without the environment variables.
    public init(_ name: String, usual: Int) {
        self.name = name
        let environment = ProcessInfo.processInfo.environment
        if let number = environment["FACEGAN_FUZZ_NUMBER"].flatMap({ Int($0) }) {
            numbers = number..<number + 1
        } else {
            let all = environment["FACEGAN_FUZZ_FILES"].flatMap { Int($0) } ?? Self.usualSum
            numbers = 0..<(all * usual + Self.usualSum - 1) / Self.usualSum
        }
    }

    public func makeIterator() -> Iterator { Iterator(name, numbers) }

    /// Iterator that keeps the journal of a test.
    public final class Iterator: IteratorProtocol {
        private let name: String
        private let numbers: Range<Int>
        private var upcoming: Int
        private let path: String
        private let journal: Int32

        fileprivate init(_ name: String, _ numbers: Range<Int>) {
            (self.name, self.numbers, upcoming) = (name, numbers, numbers.lowerBound)
            let folder =
                ProcessInfo.processInfo.environment["FACEGAN_FUZZ_JOURNAL"]
                ?? FileManager.default.temporaryDirectory.path + "/facegan-fuzz"
            try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            path = folder + "/\(name)-\(ProcessInfo.processInfo.processIdentifier)"
            journal = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
            precondition(journal >= 0, "\(path): the journal of a fuzz test cannot be written")
        }

        public func next() -> Int? {
            guard upcoming < numbers.upperBound else {
                print("fuzz \(name): \(numbers.count) files")
                return nil
            }
            defer { upcoming += 1 }
            FuzzWatch.start(name, upcoming)
            let text = Array("\(upcoming)            \n".utf8)
            pwrite(journal, text, text.count, 0)
            return upcoming
        }

        deinit {
            FuzzWatch.end(name)
            close(journal)
            unlink(path)
        }
    }
}

/// Ends the process if a mutation takes too long.
private enum FuzzWatch {
    #if DEBUG
        private static let limit = Duration.seconds(60)
    #else
        private static let limit = Duration.seconds(10)
    #endif

    private static let current = Mutex<[String: (number: Int, start: ContinuousClock.Instant)]>([:])

    private static let thread: Void = Thread.detachNewThread {
        while true {
            Thread.sleep(forTimeInterval: 1)
            let now = ContinuousClock.now
            for (name, entry) in current.withLock({ $0 }) where now - entry.start > limit {
                fatalError("fuzz \(name): mutation \(entry.number) takes longer than \(limit)")
            }
        }
    }

    static func start(_ name: String, _ number: Int) {
        _ = thread
        current.withLock { $0[name] = (number, .now) }
    }

    static func end(_ name: String) { current.withLock { $0[name] = nil } }
}
