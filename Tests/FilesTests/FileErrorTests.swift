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
}

/// Expects a `FileError` whose text names the file and contains `text`.
func expectError(
    _ path: String, _ text: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () throws -> Void
) {
    do {
        try body()
        Issue.record("no error; expected \"\(text)\"", sourceLocation: sourceLocation)
    } catch let error as FileError {
        #expect(error.path == path, sourceLocation: sourceLocation)
        #expect(error.description.contains(text), sourceLocation: sourceLocation)
    } catch {
        Issue.record("another error: \(error)", sourceLocation: sourceLocation)
    }
}
