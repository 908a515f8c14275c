import Files

/// Gathers what identifies a source's content.
struct Fingerprint {
    private var bytes: [UInt8] = []

    init(_ kind: String) {
        add(kind)
    }

    /// Texts are closed by a zero byte, so that "ab" + "c" and "a" + "bc" differ.
    mutating func add(_ text: String) {
        bytes += text.utf8
        bytes.append(0)
    }

    mutating func add(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: UInt64(truncatingIfNeeded: number).littleEndian) { bytes += $0 }
    }

    mutating func add(contentsOf other: [UInt8]) {
        add(other.count)
        bytes += other
    }

    /// 64 hexadecimal digits.
    func finish() -> String {
        bytes.withUnsafeBytes { Digest.sha256($0) }
    }
}
