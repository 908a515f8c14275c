/// Which files of a folder or archive are pictures.
package enum PictureNames {
    static let extensions: Set<String> = ["jpg", "jpeg", "jpe", "png", "webp", "gif", "bmp"]

    /// Whether a path names a picture: by its extension; hidden files and macOS' resource forks are none.
    static func isPicture(_ path: String) -> Bool {
        guard let dot = path.utf8.lastIndex(of: UInt8(ascii: ".")),
            extensions.contains(path[path.utf8.index(after: dot)...].lowercased())
        else { return false }
        return !path.split(separator: "/").contains { $0.hasPrefix(".") || $0 == "__MACOSX" }
    }

    /// A name as it is written in lists: control characters, such as a line's end, become question marks.
    package static func oneLine(_ name: String) -> String {
        guard name.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { return name }
        return String(
            decoding: name.utf8.map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: "?") : $0 }, as: UTF8.self)
    }

    /// A fixed order of names: by their bytes, whatever the language of the machine.
    static func precedes(_ a: String, _ b: String) -> Bool {
        a.utf8.lexicographicallyPrecedes(b.utf8)
    }
}
