import Foundation

/// The path of the package's root folder.
public func packageRoot() -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path
}

/// The path of a golden file.
/// - Parameter relative: its path inside `Tests/Goldens`, such as `"Files/plain.safetensors"`.
public func goldens(_ relative: String) -> String {
    packageRoot() + "/Tests/Goldens/" + relative
}

/// The folder with real photographs and networks, or `nil` where there is none.
///
/// `FACEGAN_REAL_DATA` names it; else it is `../shared/data` beside the package. Tests that need it are skipped
/// without it: `@Test(.enabled(if: realData() != nil))`.
public func realData() -> String? {
    let named = ProcessInfo.processInfo.environment["FACEGAN_REAL_DATA"]
    let path =
        named.flatMap { $0.isEmpty ? nil : $0 }
        ?? URL(fileURLWithPath: packageRoot()).deletingLastPathComponent().path + "/shared/data"
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
        return nil
    }
    return path
}

/// The folder that the build wrote its products into, such as the `facegan` executable.
public func builtProducts() -> String {
    URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent().path
}
