import Foundation

/// The part of a download that has come so far, in `NAME.part`, and in `NAME.part.from` where it came from.
final class PartFile {
    let path: String
    private(set) var count: Int
    /// Where the bytes came from, and the server's tag of that version.
    private(set) var address: String?
    private(set) var tag: String?
    private var descriptor: Int32

    /// Throws `DownloadError` if it cannot be written, or another program is at it.
    init(for target: String) throws {
        path = target + ".part"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw PartFile.failure(path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw DownloadError("\(path): another program is fetching this file: wait for it or end it")
        }
        count = Int(lseek(descriptor, 0, SEEK_END))
        if count > 0, let text = try? String(contentsOfFile: path + ".from", encoding: .utf8) {
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            address = lines.first
            tag = lines.count > 1 && !lines[1].isEmpty ? lines[1] : nil
        }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Appends bytes.
    func write(_ bytes: UnsafeRawBufferPointer) throws {
        var done = 0
        while done < bytes.count {
            let part = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let written = pwrite(descriptor, part.baseAddress, part.count, off_t(count))
            if written < 0 {
                if errno == EINTR { continue }
                throw PartFile.failure(path)
            }
            done += written
            count += written
        }
    }

    /// Notes where the following bytes come from.
    func note(address: String, tag: String?) throws {
        self.address = address
        self.tag = tag
        do {
            try "\(address)\n\(tag ?? "")\n".write(toFile: path + ".from", atomically: true, encoding: .utf8)
        } catch {
            throw PartFile.failure(path)
        }
    }

    /// Throws everything away that has come.
    func empty() throws {
        guard ftruncate(descriptor, 0) == 0 else { throw PartFile.failure(path) }
        count = 0
        address = nil
        tag = nil
    }

    /// Gives the file its final name.
    func finish(as target: String) throws {
        guard fsync(descriptor) == 0, rename(path, target) == 0 else { throw PartFile.failure(path) }
        unlink(path + ".from")
        close(descriptor)
        descriptor = -1
    }

    /// Removes an empty part; one with bytes stays for the next try.
    func leave() {
        guard descriptor >= 0, count == 0 else { return }
        unlink(path)
        unlink(path + ".from")
    }

    private static func failure(_ path: String) -> DownloadError {
        DownloadError(
            "\(path): it cannot be written: \(String(cString: strerror(errno))): check the folder's permissions and the "
                + "free space")
    }
}
