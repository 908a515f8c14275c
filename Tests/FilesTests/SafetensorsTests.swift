import Files
import Foundation
import TestSupport
import Testing

@Suite struct SafetensorsTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Writes a file with the given header and number of data bytes.
    private func file(_ header: String, data: Int) throws -> String {
        let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) }
        return try folder.write(
            length + Array(header.utf8) + [UInt8](repeating: 0, count: data), to: UUID().uuidString)
    }

    @Test func readsFilesOfTheReferenceLibrary() throws {
        let file = try SafetensorsFile(path: goldens("Files/types.safetensors"))
        #expect(file.metadata == ["made by": "safetensors", "text": "a \"b\"\t😀"])
        #expect(file.digest == nil)
        #expect(file.entries.count == ElementType.allCases.count + 3)
        for type in ElementType.allCases {
            let entry = try #require(file[type.rawValue])
            #expect(entry.dtype == type)
            #expect(entry.shape == [2, 3])
            #expect(entry.range.count == 6 * type.byteCount)
        }
        let i16 = try #require(file["I16"])
        #expect(try file.bytes(i16) == [0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0])
        let scalar = try #require(file["scalar"])
        #expect(scalar.shape == [])
        #expect(try file.bytes(scalar) == [0, 0, 0x20, 0x40])
        #expect(file["empty"]?.shape == [0, 4])
        #expect(file["\"quotes\", \\ and 脸\n"]?.shape == [3])
        #expect(file["none"] == nil)
    }

    @Test func writesAndReadsBack() throws {
        let path = folder.file("a.safetensors")
        let metadata = ["recipe": "a: \"b\"\n\u{1}", "脸": "😀"]
        let digest = try SafetensorsWriter.write(
            path: path, metadata: metadata,
            entries: [
                .init(name: "z", dtype: .f32, shape: [2], bytes: [0, 0, 128, 63, 0, 0, 0, 64]),
                .init(name: "none", dtype: .i64, shape: [0, 3], bytes: []),
                .init(name: "a \"name\"", dtype: .u8, shape: [3]) { sink in
                    for byte in [7, 8, 9] as [UInt8] { try withUnsafeBytes(of: byte) { try sink($0) } }
                },
            ])
        let file = try SafetensorsFile(path: path)
        try file.verify()
        #expect(file.digest == digest)
        #expect(file.metadata == metadata.merging([SafetensorsFile.digestKey: digest]) { $1 })
        #expect(file.entries.map(\.name) == ["z", "none", "a \"name\""])
        #expect(file.entries[0].range.lowerBound.isMultiple(of: 64))
        #expect(
            try file.entries.map { try file.bytes($0) } == [[0, 0, 128, 63, 0, 0, 0, 64], [], [7, 8, 9]])
    }

    @Test func aFailedWriteLeavesTheOldFile() throws {
        struct Stop: Error {}
        let path = folder.file("a.safetensors")
        try SafetensorsWriter.write(
            path: path, entries: [.init(name: "x", dtype: .u8, shape: [1], bytes: [1])])
        #expect(throws: Stop.self) {
            try SafetensorsWriter.write(
                path: path, entries: [.init(name: "x", dtype: .u8, shape: [1]) { _ in throw Stop() }])
        }
        let file = try SafetensorsFile(path: path)
        try file.verify()
        #expect(try file.bytes(file.entries[0]) == [1])
        #expect(try folder.contents() == ["a.safetensors"])
    }

    @Test func theChecksumCoversEveryByte() throws {
        let path = folder.file("a.safetensors")
        try SafetensorsWriter.write(
            path: path, metadata: ["k": "v"],
            entries: [.init(name: "x", dtype: .u8, shape: [2, 3], bytes: [1, 2, 3, 4, 5, 6])])
        let original = try MappedFile(path: path).bytes(0..<MappedFile(path: path).count)
        var detected = 0
        for i in original.indices {
            var bytes = original
            bytes[i] ^= 1
            let broken = try folder.write(bytes, to: "broken")
            if (try? SafetensorsFile(path: broken).verify()) == nil { detected += 1 }
        }
        #expect(detected == original.count)
    }

    @Test func filesWithoutAChecksumCannotBeVerified() throws {
        let path = goldens("Files/types.safetensors")
        expectError(path, "the file has no checksum") { try SafetensorsFile(path: path).verify() }
    }

    @Test(arguments: [
        ("", 0, "expected \"{\""),
        ("{", 0, "expected"),
        ("[]", 0, "expected \"{\""),
        ("{}x", 0, "other data follows the header"),
        (#"{"x":1}"#, 0, "expected \"{\""),
        (#"{"x":{"dtype":"U8","shape":[1]}}"#, 1, "lacks its"),
        (#"{"x":{"dtype":"U8","shape":[1],"data_offsets":[0]}}"#, 1, "lacks its"),
        (#"{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"more":1}}"#, 1, "unknown field \"more\""),
        (
            #"{"x":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, 1,
            "duplicate or unknown field"
        ),
        (#"{"x":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}"#, 1, "expected an integer of at least 0"),
        (#"{"x":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}}"#, 1, "expected"),
        (#"{"x":{"dtype":"U8","shape":[01],"data_offsets":[0,1]}}"#, 1, "expected an integer of at least 0"),
        (
            #"{"x":{"dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,1]}}"#, 1,
            "a number is too large"
        ),
        (#"{"x":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,1]}}"#, 1, "cannot have"),
        (#"{"x":{"dtype":"U8","shape":[0,4294967296,4294967296],"data_offsets":[0,0]}}"#, 0, "cannot have"),
        (#"{"x":{"dtype":"U8","shape":[2],"data_offsets":[0,1]}}"#, 1, "cannot have"),
        (#"{"x":{"dtype":"C64","shape":[1],"data_offsets":[0,8]}}"#, 8, "unsupported type C64"),
        (#"{"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}"#, 1, "exceeds the file"),
        (#"{"x":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#, 2, "gap"),
        (#"{"x":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}}"#, 2, "gap"),
        (#"{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, 2, "the file at byte"),
        (
            #"{"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"#
                + #""y":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}"#, 3, "overlaps"
        ),
        (
            #"{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"#
                + #""x":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#, 2, "occurs twice"
        ),
        (#"{"__metadata__":{"a":"1","a":"2"}}"#, 0, "occurs twice"),
        (#"{"__metadata__":{"a":1}}"#, 0, "expected"),
        (#"{"__metadata__":{"a":"\ud800"}}"#, 0, "surrogate"),
        (#"{"__metadata__":{"a":"\q"}}"#, 0, "an escape sequence is unknown"),
        (#"{"__metadata__":{"a":"\u00g0"}}"#, 0, "hexadecimal"),
        ("{\"__metadata__\":{\"a\":\"\u{1}\"}}", 0, "control character"),
        (#"{"__metadata__":{"a"#, 0, "is not terminated"),
    ])
    func rejects(header: String, data: Int, text: String) throws {
        let path = try file(header, data: data)
        expectError(path, text) { _ = try SafetensorsFile(path: path) }
    }

    @Test func rejectsImpossibleLengths() throws {
        for length in [3, 1_000, UInt64(1) << 40, .max, .max >> 1] as [UInt64] {
            let bytes = withUnsafeBytes(of: length.littleEndian) { Array($0) } + [0x7B, 0x7D]
            let path = try folder.write(bytes, to: "long")
            expectError(path, "safetensors file") { _ = try SafetensorsFile(path: path) }
        }
        let short = try folder.write([1, 2, 3], to: "short")
        expectError(short, "not a safetensors file") { _ = try SafetensorsFile(path: short) }
    }

    @Test func rejectsEightBitFloats() throws {
        let path = goldens("Files/float8.safetensors")
        expectError(path, "F8_E4M3") { _ = try SafetensorsFile(path: path) }
    }
}
