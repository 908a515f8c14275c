/// Why a picture could not be read, changed or written, and what to do about it.
public struct ImagingError: Error, CustomStringConvertible, Sendable, Equatable {
    /// What went wrong.
    public let what: String
    /// What the reader of the message can do, or "".
    public let advice: String

    package init(_ what: String, advice: String = "") {
        self.what = what
        self.advice = advice
    }

    public var description: String { advice.isEmpty ? what : what + "; " + advice }
}
