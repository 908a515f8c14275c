import Files
import TestSupport
import Testing

@Suite struct DigestTests {
    /// Test vectors of FIPS 180-2 and of CRC catalogs.
    @Test func knownValues() throws {
        #expect(
            Digest.sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            Digest.sha256([UInt8]()) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        let digits = Array("123456789".utf8)
        #expect(Digest.crc32(digits) == 0xCBF4_3926)
        #expect(Digest.crc32c(digits) == 0xE306_9283)
        #expect(Digest.crc32([UInt8]()) == 0)
        #expect(Digest.crc32c([UInt8]()) == 0)
    }

    @Test func incrementalEqualsWhole() throws {
        let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        var stream = Digest.SHA256Stream()
        stream.update(Array(bytes[..<33_333]))
        stream.update([])
        stream.update(Array(bytes[33_333...]))
        #expect(stream.finish() == Digest.sha256(bytes))
        let folder = try TemporaryFolder()
        #expect(try Digest.sha256(file: folder.write(bytes, to: "a")) == Digest.sha256(bytes))
        let first = Digest.crc32(Array(bytes[..<500]))
        let both = Array(bytes[500...]).withUnsafeBytes { Digest.crc32($0, continuing: first) }
        #expect(both == Digest.crc32(bytes))
    }
}

struct DigestMD5Tests {
    @Test(arguments: [
        ("", "d41d8cd98f00b204e9800998ecf8427e"), ("abc", "900150983cd24fb0d6963f7d28e17f72"),
        ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
    ])
    func valuesOfRFC1321(text: String, sum: String) throws {
        let folder = try TemporaryFolder()
        #expect(try Digest.md5(file: folder.write(text, to: "file")) == sum)
    }
}
