#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// An error with a file: its path, the problem and advice.
public struct FileError: Error, CustomStringConvertible, Equatable {
    /// Path of the file.
    public let path: String
    /// The problem, without a full stop.
    public let what: String
    /// What the user can do, as sentences; can be empty.
    public let advice: String

    /// Creates an error.
    public init(path: String, what: String, advice: String = "") {
        self.path = path
        self.what = what
        self.advice = advice
    }

    /// Path, problem and advice in one line.
    public var description: String { "\(path): \(what)." + (advice.isEmpty ? "" : " " + advice) }
}

extension FileError {
    /// An error of the last system call.
    static func system(_ path: String, _ action: String, code: Int32 = errno) -> FileError {
        let reason = strerror(code).map { String(cString: $0) } ?? "error \(code)"
        let advice =
            switch code {
            case ENOENT: "Check the path; relative paths start at the current folder."
            case EACCES, EPERM, EROFS: "Check the permissions."
            case ENOSPC, EDQUOT: "Free some disk space; no file was replaced."
            case EMFILE, ENFILE: "Increase the limit of open files (ulimit -n)."
            default: ""
            }
        return FileError(path: path, what: "cannot \(action) (\(reason))", advice: advice)
    }

    /// A violation of the file format.
    static func broken(_ path: String, _ what: String) -> FileError {
        FileError(
            path: path, what: what,
            advice:
                "The file is damaged or incomplete; download or create it again.")
    }
}
