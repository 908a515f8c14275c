/// The folder that contains a path, as text: `a/b` for `a/b/c`, `/` for `/a`, `.` for a name without a folder.
///
/// Foundation's `deletingLastPathComponent` of `NSString` traps on Linux if the path is one character.
/// - Parameter path: any text; slashes at its end are ignored.
public func folder(ofPath path: String) -> String {
    let bytes = Array(path.utf8)
    func withoutSlashes(_ end: Int) -> Int {
        var end = end
        while end > 0, bytes[end - 1] == UInt8(ascii: "/") { end -= 1 }
        return end
    }
    let name = withoutSlashes(bytes.count)
    guard name > 0 else { return bytes.isEmpty ? "." : "/" }
    guard let slash = bytes[..<name].lastIndex(of: UInt8(ascii: "/")) else { return "." }
    let end = withoutSlashes(slash)
    return end == 0 ? "/" : String(decoding: bytes[..<end], as: UTF8.self)
}
