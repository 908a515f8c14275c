import Downloads

/// A file of published weights: what it is, whose, and how to know it.
public struct KnownWeights: Sendable {
    /// What it is asked for by, such as `vgg16`.
    public let key: String
    /// In a few words.
    public let about: String
    public let publisher: String
    public let license: String
    /// The name that the publisher gave it.
    public let fileName: String
    /// Millions of bytes, rounded.
    public let megabytes: Double?
    /// The whole SHA-256, or the beginning that torchvision's file names carry; nil where none is published.
    public let checksum: Download.Checksum?
    /// Where it can be fetched, tried in this order; empty where it must be brought.
    public let addresses: [String]
    /// Tensors by which the file is known whatever its name.
    let marks: [String: [Int]]
    /// Beginnings of keys that the file has and nothing here needs.
    let unused: [String]
    /// What all the network's keys begin with in the file; the rest of the file is not looked at.
    let place: String

    init(
        _ key: String, _ about: String, publisher: String, license: String, file: String, megabytes: Double?,
        checksum: Download.Checksum?, addresses: [String], marks: [String: [Int]], unused: [String] = [],
        place: String = ""
    ) {
        (self.key, self.about, self.publisher, self.license) = (key, about, publisher, license)
        (fileName, self.megabytes, self.checksum, self.addresses) = (file, megabytes, checksum, addresses)
        (self.marks, self.unused, self.place) = (marks, unused, place)
    }

    /// The command that brings the file.
    public var command: String {
        addresses.isEmpty ? "facegan weights add \(fileName) --as \(key)" : "facegan weights get \(key)"
    }

    /// Whether a file of this SHA-256 can only be this one.
    func isProven(by sha256: String) -> Bool {
        switch checksum {
        case .sha256(let whole): whole == sha256
        case .sha256Beginning(let start): sha256.hasPrefix(start)
        case .md5, nil: false
        }
    }

    /// Whether a file of these tensors may be this one.
    func isLike(_ file: WeightsFile) -> Bool { marks.allSatisfy { file.shapes[$0.key] == $0.value } }
}
