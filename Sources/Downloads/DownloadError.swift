/// What went wrong with a download; says what, where and what to do.
public struct DownloadError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}
