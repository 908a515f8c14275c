/// One file to fetch: where it is, what it must be, and what it is called here.
public struct Download: Sendable, Equatable {
    /// A published checksum, in hexadecimal digits.
    public enum Checksum: Sendable, Equatable {
        case sha256(String)
        /// The first digits, as some publishers put them into a file's name.
        case sha256Beginning(String)
        case md5(String)
    }

    /// What the file must begin like.
    public enum Content: Sendable, Equatable {
        case zip, gzip, text
        /// A PyTorch state dictionary in either of its formats, or a safetensors file.
        case weights
    }

    public let fileName: String
    /// Tried in this order.
    public var addresses: [String]
    public var checksum: Checksum?
    public let content: Content

    public init(fileName: String, addresses: [String], checksum: Checksum?, content: Content) {
        self.fileName = fileName
        self.addresses = addresses
        self.checksum = checksum
        self.content = content
    }
}
