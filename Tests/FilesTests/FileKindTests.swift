import Files
import TestSupport
import Testing

@Suite struct FileKindTests {
    @Test func goldenFiles() throws {
        let expected = [
            "stored.zip": "a zip archive", "state.pth": "a zip archive", "gnu.tar": "a tar archive",
            "gnu.tgz": "a gzip-compressed file", "state.safetensors": "a safetensors file",
            "legacy.pth": "a Python pickle", "legacy4.pth": "a Python pickle",
        ]
        for (name, text) in expected {
            #expect(try FileKind.detect(path: goldens("Files/" + name)).phrase == text)
        }
        #expect(try FileKind.detect(path: goldens("Files/archives.json")) == .text)
    }

    @Test(arguments: [
        ("\n<!DOCTYPE html>\n<title>Quota exceeded</title>", "but an HTML page. The download failed"),
        ("version https://git-lfs.github.com/spec/v1\n", "but a Git LFS pointer. Fetch the content"),
        ("", "but an empty file. Download or create it again."),
        ("BZh91AY&SY", "but a bzip2-compressed file. Decompress it first."),
    ])
    func errorsStateTheActualType(content: String, text: String) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(content, to: "download")
        expectError(path, "not a zip archive " + text) { _ = try ZipArchive(path: path) }
        expectError(path, "not a tar archive " + text) { _ = try TarArchive(path: path) }
        expectError(path, "not a safetensors file " + text) { _ = try SafetensorsFile(path: path) }
        expectError(path, "not a file written by torch.save " + text) { _ = try PyTorchFile(path: path) }
    }

    static let heads: [(FileKind, [UInt8])] = [
        (.empty, []), (.zeros, [UInt8](repeating: 0, count: 600)), (.zip, Array("PK\u{5}\u{6}".utf8)),
        (.sevenZip, [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C]), (.rar, Array("Rar!\u{1A}".utf8)),
        (.xz, [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0]), (.zstd, [0x28, 0xB5, 0x2F, 0xFD]),
        (.parquet, Array("PAR1".utf8)), (.arrow, Array("ARROW1".utf8)),
        (.hdf5, [0x89, 0x48, 0x44, 0x46, 13, 10]), (.numpy, [0x93] + Array("NUMPY".utf8)),
        // A record of 3 bytes: its length and the masked CRC-32C of the length.
        (.tfrecord, [3, 0, 0, 0, 0, 0, 0, 0, 0xB0, 0x99, 0x49, 0x0E, 1, 2, 3, 0, 0, 0, 0]),
        (.html, Array("\u{FEFF}\n<!DOCTYPE html><html>".utf8)), (.svg, Array("<?xml?><svg/>".utf8)),
        (.pdf, Array("%PDF-1.7".utf8)), (.jpeg, [0xFF, 0xD8, 0xFF, 0xE1]), (.gif, Array("GIF89a".utf8)),
        (.webp, Array("RIFF....WEBP".utf8)), (.avi, Array("RIFF....AVI ".utf8)),
        (.bmp, Array("BM".utf8) + [UInt8](repeating: 0, count: 12) + [40, 0, 0, 0]),
        (.text, Array("BMW 1".utf8)),
        (.tiff, [0x49, 0x49, 0x2A, 0]), (.tiff, [0x4D, 0x4D, 0, 0x2A]), (.jpegXL, [0xFF, 0x0A]),
        (.heic, [0, 0, 0, 24] + Array("ftypheic\0\0\0\0mif1heic".utf8)),
        (.heic, [0, 0, 0, 24] + Array("ftypmif1\0\0\0\0mif1heic".utf8)),
        (.heic, [0, 0, 0, 24] + Array("ftyphevc\0\0\0\0hevcmsf1".utf8)),
        (.heic, [0, 0, 0, 24] + Array("ftypmif2\0\0\0\0mif2miaf".utf8)),
        (.heic, [0, 0, 0, 24] + Array("ftypmiaf\0\0\0\0miafheix".utf8)),
        (.avif, [0, 0, 0, 24] + Array("ftypmif1\0\0\0\0mif1avif".utf8)),
        (.mp4, [0, 0, 0, 20] + Array("ftypisom\0\0\0\0isom".utf8)),
        (.mp4, [0, 0, 0, 20] + Array("ftypqt  ".utf8)),
        (.netpbm, Array("P6\n2 2\n255\n".utf8)), (.photoshop, Array("8BPS".utf8)),
        (.matroska, [0x1A, 0x45, 0xDF, 0xA3]), (.pickle, [0x80, 2, 0x7D]),
        (.text, Array("a,b\r\n1,2\r\n".utf8)),
        (.text, [0xFF, 0xFE, 0x61, 0]), (.unknown, [1, 2, 3, 200]),
        (.unknown, [0, 0, 0, 8] + Array("ftyp".utf8).dropLast()),
    ]

    @Test(arguments: heads)
    func recognizesFirstBytes(kind: FileKind, head: [UInt8]) {
        #expect(FileKind.detect(head, count: head.count) == kind)
    }

    @Test func arbitraryBytesAreHarmless() {
        var state: UInt64 = 1
        for _ in 0..<2000 {
            var head = Self.heads[Int(state >> 33) % Self.heads.count].1
            for _ in 0..<3 where !head.isEmpty {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                head[Int(state >> 33) % head.count] = UInt8(truncatingIfNeeded: state >> 40)
            }
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let part = Array(head.prefix(Int(state >> 33) % (head.count + 1)))
            #expect((FileKind.detect(part, count: part.count) == .empty) == part.isEmpty)
        }
    }
}

@Suite struct FileNameTests {
    @Test func namesAreComparedByBytes() {
        #expect(FileName("\u{E9}") != FileName("e\u{301}"))
        #expect("\u{E9}" == "e\u{301}")
        #expect(FileName("a").text == "a")
    }

    @Test func bytesThatAreNotTextAreEscaped() {
        #expect(FileNames.text(Array("脸 é.jpg".utf8)) == "脸 é.jpg")
        #expect(FileNames.text([0x66, 0xFF, 0xC3, 0x28]) == "f\\xFF\\xC3(")
        #expect(FileNames.text(Array("a\n\u{1B}\u{7F}\u{2028}".utf8)) == "a\\x0A\\x1B\\x7F\\xE2\\x80\\xA8")
        #expect(FileNames.text([0xE8, 0x84]) == "\\xE8\\x84")
        #expect(FileNames.codePage437([0x82, 0xE1, 0x41, 0x0A]) == "éßA\\x0A")
        #expect(Set((0...255).map { FileNames.codePage437([UInt8($0)]) }).count == 256)
    }

    @Test func equalNamesGetNumbers() {
        #expect(
            FileNames.distinct(["a.b/c", "a.b/c", "x.png", "x (2).png", "x.png"])
                == ["a.b/c", "a.b/c (2)", "x.png", "x (2).png", "x (3).png"])
    }
}
