import Files
import Foundation
import TestSupport
import Testing

/// Fuzzing: a damaged file must cause an error or be read without harm. It must not crash, hang or return wrong
/// weights.
///
/// `FuzzNumbers` describes how to run more mutations. After a crash, the file `mutated` remains in the temporary folder.
@Suite struct FuzzTests {
    /// Counts of rejected and accepted mutations.
    struct Outcome: CustomStringConvertible {
        var rejected = 0
        var harmless = 0
        var description: String { "\(rejected) rejected, \(harmless) read without harm" }
    }

    /// Runs the mutations. `read` must throw for a rejected file.
    private func fuzz(
        _ name: String, _ names: [String], usual: Int = 400, extra: [[UInt8]] = [],
        _ read: (String, Int) throws -> Void
    ) throws -> Outcome {
        let folder = try TemporaryFolder()
        let originals =
            try names.map { name in
                let file = try MappedFile(path: goldens("Files/" + name))
                return try file.bytes(file.all)
            } + extra
        var outcome = Outcome()
        for number in FuzzNumbers(name, usual: usual) {
            var mutator = Mutator(seed: UInt64(number))
            let source = number % originals.count
            let path = try folder.write(mutator.mutate(originals[source], donors: originals), to: "mutated")
            do {
                try read(path, source)
                outcome.harmless += 1
            } catch let error as FileError {
                #expect(error.path == path, "mutation \(number)")
                outcome.rejected += 1
            }
        }
        print("fuzz \(name): \(outcome)")
        return outcome
    }

    @Test func zipArchives() throws {
        let outcome = try fuzz("zip", ["stored.zip", "deflated.zip", "zip64.zip", "prefixed.zip"]) {
            path, _ in
            let archive = try ZipArchive(path: path)
            for entry in archive.entries {
                #expect(try archive.read(entry, limit: 1 << 20).count == entry.size)
                try archive.check(entry)
            }
        }
        #expect(outcome.rejected > outcome.harmless)
    }

    @Test(arguments: [["ustar.tar", "gnu.tar", "pax.tar"], ["gnu.tgz", "members.tar.gz"]])
    func tarArchives(names: [String]) throws {
        let outcome = try fuzz(names.joined(separator: "-"), names) { path, _ in
            let archive = try TarArchive(path: path)
            try archive.forEach { entry, content in
                try #expect(content().count == entry.size)
                return true
            }
            for entry in archive.entries ?? [] { #expect(try archive.read(entry).count == entry.size) }
        }
        #expect(outcome.rejected > 0)
    }

    /// A damaged file with a checksum is rejected when it is opened or verified, or its tensors equal the original.
    @Test func safetensorsWithChecksum() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("model")
        try SafetensorsWriter.write(
            path: path, metadata: ["recipe": "generator:\n  channels: 64\n"],
            entries: [
                .init(name: "weight", dtype: .f32, shape: [4, 3], bytes: (0..<48).map { UInt8($0) }),
                .init(name: "bias", dtype: .f32, shape: [3, 1], bytes: (0..<12).map { UInt8($0) }),
                .init(name: "count", dtype: .i64, shape: [], bytes: [1, 0, 0, 0, 0, 0, 0, 0]),
            ])
        let original = try SafetensorsFile(path: path)
        let expected = try original.entries.map { try original.bytes($0) }
        let bytes = try original.file.bytes(original.file.all)
        let outcome = try fuzz("safetensors", [], usual: 800, extra: [bytes]) { path, _ in
            let file = try SafetensorsFile(path: path)
            try file.verify()
            #expect(file.entries == original.entries)
            #expect(file.metadata == original.metadata)
            #expect(try file.entries.map { try file.bytes($0) } == expected)
        }
        #expect(outcome.rejected > outcome.harmless)
    }

    /// Files without a checksum must not cause a crash or inconsistent sizes.
    @Test func safetensorsWithoutChecksum() throws {
        let outcome = try fuzz(
            "safetensors-without-checksum", ["types.safetensors", "state.safetensors", "float8.safetensors"]
        ) { path, _ in
            let file = try SafetensorsFile(path: path)
            for entry in file.entries {
                #expect(try file.bytes(entry).count == entry.dtype.byteCount(shape: entry.shape))
            }
        }
        #expect(outcome.rejected > 0)
    }

    @Test func pyTorchZip() throws {
        let names = ["state.pth", "checkpoint.pth", "protocol4.pth", "repacked.pth", "wide.pth"]
        let originals = try names.map { try PyTorchFile(path: goldens("Files/" + $0)) }
        let outcome = try fuzz("pytorch-zip", names) { path, source in
            let file = try PyTorchFile(path: path)
            let reference = originals[source]
            #expect(file.tensors.map(\.name) == reference.tensors.map(\.name))
            #expect(file.scalars == reference.scalars)
            for (mutated, original) in zip(file.tensors, reference.tensors) {
                #expect(mutated.tensor.shape == original.tensor.shape)
                #expect(try mutated.tensor.contiguousBytes() == original.tensor.contiguousBytes())
            }
        }
        #expect(outcome.rejected > outcome.harmless)
    }

    /// A damaged pickle in an archive with correct checksums, as in an attack.
    @Test func pickle() throws {
        let archives = try ["state.pth", "checkpoint.pth", "wide.pth", "hand_good.pth"].map { name in
            let archive = try ZipArchive(path: goldens("Files/" + name))
            return try archive.entries.map { ($0.name, try archive.read($0)) }
        }
        let places = try archives.map { try #require($0.firstIndex { $0.0.hasSuffix("/data.pkl") }) }
        let pickles = zip(archives, places).map { $0[$1].1 }
        let folder = try TemporaryFolder()
        var outcome = Outcome()
        for number in FuzzNumbers("pickle", usual: 800) {
            var mutator = Mutator(seed: UInt64(number))
            let source = number % archives.count
            var entries = archives[source]
            entries[places[source]].1 = mutator.mutate(pickles[source], donors: pickles)
            let path = try folder.write(storedZip(entries), to: "mutated")
            do {
                let file = try PyTorchFile(path: path)
                for (_, tensor) in file.tensors {
                    #expect(try tensor.contiguousBytes().count == tensor.byteCount)
                }
                outcome.harmless += 1
            } catch let error as FileError {
                #expect(error.path == path, "mutation \(number)")
                outcome.rejected += 1
            }
        }
        print("fuzz pickle: \(outcome)")
        #expect(outcome.rejected > 0)
    }

    @Test func pyTorchLegacy() throws {
        let outcome = try fuzz(
            "pytorch-legacy", ["legacy.pth", "legacy4.pth", "legacy_views.pth"], usual: 800
        ) { path, _ in
            for (_, tensor) in try PyTorchFile(path: path).tensors {
                #expect(try tensor.contiguousBytes().count == tensor.byteCount)
            }
        }
        #expect(outcome.rejected > outcome.harmless)
    }

    /// A zip archive with stored entries.
    private func storedZip(_ entries: [(name: String, bytes: [UInt8])]) -> [UInt8] {
        func little(_ value: Int, _ width: Int) -> [UInt8] {
            (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        var (file, directory) = ([UInt8](), [UInt8]())
        for (name, bytes) in entries {
            let common =
                little(20, 2) + little(0, 8) + little(Int(Digest.crc32(bytes)), 4) + little(bytes.count, 4)
                + little(bytes.count, 4) + little(name.utf8.count, 2) + little(0, 2)
            directory +=
                little(0x0201_4B50, 4) + little(20, 2) + common + little(0, 10) + little(file.count, 4)
            directory += Array(name.utf8)
            file += little(0x0403_4B50, 4) + common + Array(name.utf8) + bytes
        }
        let end =
            little(0x0605_4B50, 4) + little(0, 4) + little(entries.count, 2) + little(entries.count, 2)
            + little(directory.count, 4) + little(file.count, 4) + little(0, 2)
        return file + directory + end
    }
}
