#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Something is wrong with a file: which one, what, and what to do about it.
public struct FileError: Error, CustomStringConvertible, Equatable {
    public let path: String
    /// What is wrong, without a full stop.
    public let what: String
    /// What the user can do, a sentence; may be empty.
    public let advice: String

    public init(path: String, what: String, advice: String = "") {
        self.path = path
        self.what = what
        self.advice = advice
    }

    public var description: String { "\(path): \(what)." + (advice.isEmpty ? "" : " " + advice) }
}

extension FileError {
    /// What the operating system said about the last call.
    static func system(_ path: String, _ doing: String, code: Int32 = errno) -> FileError {
        let reason = strerror(code).map { String(cString: $0) } ?? "error \(code)"
        let advice =
            switch code {
            case ENOENT: "Check the name; relative paths start at the current folder."
            case EACCES, EPERM, EROFS: "Check who may read and write there."
            case ENOSPC, EDQUOT: "Free some space; nothing was replaced."
            case EMFILE, ENFILE: "Raise the limit of open files (ulimit -n)."
            default: ""
            }
        return FileError(path: path, what: "could not \(doing) (\(reason))", advice: advice)
    }

    /// The file breaks the rules of its format.
    static func broken(_ path: String, _ what: String) -> FileError {
        FileError(path: path, what: what, advice: "The file is damaged or incomplete; get it again.")
    }
}
