import Files
import Foundation

/// Digests of large files that were computed before, so that a file is read only once.
///
/// A digest is remembered for the device, the inode, the size, the time of modification and the time of the last change
/// of a file. A program can restore the time of modification after it wrote to a file, but not the time of the last change.
/// Digests are in the folder `verified` of the cache.
package enum RememberedDigest {
    /// Returns the digest of a file, computed at most once.
    /// - Parameters:
    ///   - path: path of the file.
    ///   - kind: name of the kind of digest.
    ///   - cache: folder of the cache; nil for the default folder.
    ///   - settled: seconds since the last change of a file that can be remembered.
    ///   - compute: reads the file and returns its digest.
    /// - Throws: errors of `compute`; `FileError` if the file cannot be read.
    package static func value(
        for path: String, kind: String, in cache: String? = nil, settled: Double = 2,
        compute: () throws -> String
    ) throws -> String {
        guard let before = stamp(path, kind) else { return try compute() }
        let record = (cache ?? CacheFolder.path) + "/verified/" + Digest.sha256(before.key).prefix(32)
        if let known = read(record) { return known }
        let start = Date().timeIntervalSince1970
        let digest = try compute()
        // A file that changed within the resolution of its times could change again without another time.
        if let after = stamp(path, kind), after.key == before.key, after.changed < start - settled {
            write(digest, to: record)
        }
        return digest
    }

    private static func stamp(_ path: String, _ kind: String) -> (key: String, changed: Double)? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        let parts = [
            Int(truncatingIfNeeded: UInt64(truncatingIfNeeded: status.st_dev)),
            Int(truncatingIfNeeded: UInt64(status.st_ino)), Int(status.st_size), status.modifiedNanoseconds,
            status.changedNanoseconds,
        ]
        let key = kind + parts.map { " \($0)" }.joined()
        return (key, Double(status.changedNanoseconds) / 1e9)
    }

    private static func read(_ record: String) -> String? {
        guard let file = try? MappedFile(path: record), file.count == 64,
            let bytes = try? file.bytes(file.all)
        else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Without a writable cache, the digest is computed again each time.
    private static func write(_ digest: String, to record: String) {
        try? FileManager.default.createDirectory(
            atPath: (record as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try? AtomicFile.write(Array(digest.utf8), to: record, durably: false)
    }
}
