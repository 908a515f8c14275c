import Files
import Foundation
import Testing

@Suite struct WorkerThreadsTests {
    private struct Jobs {
        var waiting: [Int] = []
        var results: [Int: Int] = [:]
    }

    /// Every job is done once, whatever the number of threads; a bounded queue blocks its caller.
    @Test(arguments: [1, 3, 8]) func jobsAreDoneOnce(threads: Int) {
        let workers = WorkerThreads(Jobs())
        workers.start(threads, stackSize: 1 << 20) {
            while let job = workers.wait(
                wakingOthers: true,
                { jobs, _ -> WorkerThreads<Jobs>.Outcome<Int> in
                    jobs.waiting.isEmpty ? .notYet : .value(jobs.waiting.removeFirst())
                })
            {
                workers.update { $0.results[job, default: 0] += job * job }
            }
        }
        for job in 0..<500 {
            let isAdded: Bool? = workers.wait(wakingOthers: true) { jobs, running in
                #expect(running == threads)
                guard jobs.waiting.count < 4 else { return .notYet }
                jobs.waiting.append(job)
                return .value(true)
            }
            #expect(isAdded == true)
        }
        let results: [Int: Int]? = workers.wait { jobs, _ in
            jobs.results.count == 500 ? .value(jobs.results) : .notYet
        }
        #expect(results == Dictionary(uniqueKeysWithValues: (0..<500).map { ($0, $0 * $0) }))
        workers.stop()
        #expect(workers.read(\.waiting).isEmpty)
    }

    @Test func stoppingEndsAllWaits() {
        let workers = WorkerThreads(0)
        workers.start(4, stackSize: 1 << 20) {
            let never: Int? = workers.wait { _, _ in .notYet }
            workers.update { $0 += never == nil ? 1 : 100 }
        }
        workers.stop()
        #expect(workers.read { $0 } == 4)
        let late: Int? = workers.wait { _, _ in .value(1) }
        #expect(late == nil)
    }

    @Test func errorsAndEndsOfWaitsArriveAtTheCaller() {
        struct Failure: Error {}
        let workers = WorkerThreads(0)
        #expect(throws: Failure.self) {
            let _: Int? = try workers.wait { _, _ in throw Failure() }
        }
        let none: Int? = workers.wait { _, _ in .value(nil) }
        #expect(none == nil)
        // The lock is free after an error.
        #expect(
            workers.update {
                $0 += 2; return $0
            } == 2)
    }
}
