import Foundation
import TestSupport
import Testing

@Suite struct TestSupportTests {
    @Test func mutationsDependOnlyOnTheSeed() {
        let bytes = (0..<500).map { UInt8(truncatingIfNeeded: $0) }
        var (changed, seen) = (0, Set<[UInt8]>())
        for seed in 0..<200 {
            var (first, second) = (Mutator(seed: UInt64(seed)), Mutator(seed: UInt64(seed)))
            let mutated = first.mutate(bytes, donors: [[1, 2, 3]])
            #expect(mutated == second.mutate(bytes, donors: [[1, 2, 3]]))
            if mutated != bytes { changed += 1 }
            seen.insert(mutated)
        }
        #expect(changed > 190)
        #expect(seen.count > 190)
        var mutator = Mutator(seed: 1)
        #expect(mutator.mutate([]) == [])
    }

    @Test func temporaryFoldersAreDeleted() throws {
        var folder: TemporaryFolder? = try TemporaryFolder()
        let path = try #require(folder?.path)
        try folder?.write("text", to: "a/b")
        #expect(FileManager.default.fileExists(atPath: path + "/a/b"))
        folder = nil
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func processesRun() throws {
        let result = try runProcess(
            "/bin/sh", ["-c", "echo $GREETING; echo bad >&2; exit 3"], environment: ["GREETING": "hello"])
        #expect(result.status == 3)
        #expect(result.output == "hello\n")
        #expect(result.errors == "bad\n")
        // More than the capacity of a pipe.
        #expect(try runProcess("/bin/sh", ["-c", "head -c 300000 /dev/zero"]).output.utf8.count == 300_000)
        #expect(try runProcess("/bin/sh", ["-c", "kill -9 $$"]).status == 137)
        #expect(try runProcess("/bin/sh", ["-c", "exec sleep 60"], seconds: 0.2).status == 137)
    }

    @Test func knownPathsExist() {
        #expect(FileManager.default.fileExists(atPath: packageRoot() + "/Package.swift"))
        #expect(FileManager.default.fileExists(atPath: goldens("make_files.py")))
        #expect(FileManager.default.fileExists(atPath: builtProducts()))
    }
}
