import Foundation

/// A folder of its own for one test, deleted with everything in it when the last reference goes.
public final class TemporaryFolder: Sendable {
    /// The absolute path, without a trailing slash.
    public let path: String

    public init() throws {
        let base = FileManager.default.temporaryDirectory.resolvingSymlinksInPath().path
        path = base + "/facegan-test-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The path of `name` inside the folder.
    public func file(_ name: String) -> String { path + "/" + name }

    /// Writes a file and says where it is; folders on the way are made.
    @discardableResult
    public func write(_ bytes: [UInt8], to name: String) throws -> String {
        let url = URL(fileURLWithPath: file(name))
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
        return url.path
    }

    /// Writes a text file (UTF-8) and says where it is.
    @discardableResult
    public func write(_ text: String, to name: String) throws -> String {
        try write(Array(text.utf8), to: name)
    }

    /// Writes an executable script and returns its path. Creates missing folders.
    ///
    /// A child process writes it. If this process had it open for writing while another test starts a program, the
    /// program would inherit the descriptor, and running the script would fail with "Text file busy".
    @discardableResult
    public func writeScript(_ text: String, to name: String) throws -> String {
        let source = try write(text, to: "script-" + UUID().uuidString)
        defer { try? FileManager.default.removeItem(atPath: source) }
        return try copyScript(source, to: name)
    }

    /// Copies an executable script and returns the path of the copy, as `writeScript`.
    @discardableResult
    public func copyScript(_ source: String, to name: String) throws -> String {
        let url = URL(fileURLWithPath: file(name))
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        let result = try runProcess("/usr/bin/env", ["install", "-m", "755", source, url.path])
        guard result.status == 0 else { throw ScriptError(description: result.errors) }
        return url.path
    }

    private struct ScriptError: Error, CustomStringConvertible { let description: String }

    /// The names in the folder, sorted, hidden ones too.
    public func contents() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    }
}
