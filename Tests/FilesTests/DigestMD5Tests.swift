import Files
import TestSupport
import Testing

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
