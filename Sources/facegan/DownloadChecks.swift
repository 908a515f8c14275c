import ArgumentParser

/// What every command that fetches files asks of its options.
enum DownloadChecks {
    /// - Throws: `ValidationError` for addresses that are none, or a checksum of another length.
    static func validate(urls: [String], sha256: String?) throws {
        if let sha256, sha256.count != 64 || !sha256.allSatisfy(\.isHexDigit) {
            throw ValidationError("--sha256: expected 64 hexadecimal digits.")
        }
        for address in urls where !address.hasPrefix("http://") && !address.hasPrefix("https://") {
            throw ValidationError(
                "--url: expected an address that begins with http:// or https://, got \(address).")
        }
    }
}
