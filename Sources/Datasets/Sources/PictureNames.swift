/// Which files of a folder or archive are pictures.
enum PictureNames {
    static let extensions: Set<String> = ["jpg", "jpeg", "jpe", "png", "webp", "gif", "bmp"]

    /// Whether a path names a picture: by its extension; hidden files and macOS' resource forks are none.
    static func isPicture(_ path: String) -> Bool {
        guard let dot = path.utf8.lastIndex(of: UInt8(ascii: ".")),
            extensions.contains(path[path.utf8.index(after: dot)...].lowercased())
        else { return false }
        return !path.split(separator: "/").contains { $0.hasPrefix(".") || $0 == "__MACOSX" }
    }

    /// A fixed order of names: by their bytes, whatever the language of the machine.
    static func precedes(_ a: String, _ b: String) -> Bool {
        a.utf8.lexicographicallyPrecedes(b.utf8)
    }
}
