import Files
import Testing

@Suite struct FolderOfPathTests {
    @Test(arguments: [
        ("a", "."), (".", "."), ("", "."), ("人", "."), ("name", "."), ("a/", "."), ("/", "/"), ("//", "/"),
        ("/a", "/"),
        ("//a", "/"), ("a/b", "a"), ("a//b/", "a"), ("/a/b", "/a"), ("../é/x.png", "../é"), ("a/..", "a"),
    ])
    func folderIsThePathWithoutItsName(path: String, expected: String) {
        #expect(folder(ofPath: path) == expected)
    }
}
