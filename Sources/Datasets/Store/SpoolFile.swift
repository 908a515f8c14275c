import Foundation

/// Buffer for bytes whose final position is not known yet.
///
/// The first bytes are kept in memory, the rest in an unlinked file. The system deletes the file when the process
/// ends for any reason.
final class SpoolFile {
    private let folder: String
    private let memoryLimit: Int
    private var blocks: [UnsafeMutableRawBufferPointer] = []
    /// The number of used bytes of each block.
    private var fills: [Int] = []
    private var memoryCount = 0
    private var fileCount = 0
    private var descriptor: Int32 = -1

    private static let blockSize = 1 << 22

    /// Creates an empty buffer.
    /// - Parameters:
    ///   - folder: folder of the file, which is created when it is needed.
    ///   - memoryLimit: the maximum number of bytes in memory.
    init(folder: String, memoryLimit: Int = 1 << 28) {
        self.folder = folder
        self.memoryLimit = memoryLimit
    }

    deinit {
        for block in blocks { block.deallocate() }
        if descriptor >= 0 { close(descriptor) }
    }

    /// Appends bytes.
    ///
    /// - Throws: `DataError` if the file cannot be created or written.
    func write(_ bytes: UnsafeRawBufferPointer) throws {
        if fileCount == 0, memoryCount + bytes.count <= memoryLimit {
            var last = blocks.count - 1
            if last < 0 || fills[last] + bytes.count > blocks[last].count {
                blocks.append(Self.block(holding: bytes.count))
                fills.append(0)
                last += 1
            }
            UnsafeMutableRawBufferPointer(rebasing: blocks[last][fills[last]...]).copyMemory(from: bytes)
            fills[last] += bytes.count
            memoryCount += bytes.count
            return
        }
        if descriptor < 0 { try openFile() }
        var done = 0
        while done < bytes.count {
            let part = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let written = pwrite(descriptor, part.baseAddress, min(part.count, 1 << 30), off_t(fileCount))
            if written < 0 {
                if errno == EINTR { continue }
                throw failure("write to a file")
            }
            done += written
            fileCount += written
        }
    }

    /// Passes all bytes to `body` in order, in blocks, and discards them.
    ///
    /// - Throws: errors of `body`; `DataError` if the file cannot be read.
    func drain(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        while let block = blocks.first, let fill = fills.first {
            try body(UnsafeRawBufferPointer(rebasing: block[..<fill]))
            block.deallocate()
            blocks.removeFirst()
            fills.removeFirst()
        }
        guard fileCount > 0 else { return }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: SpoolFile.blockSize, alignment: 64)
        defer { buffer.deallocate() }
        var offset = 0
        while offset < fileCount {
            let read = pread(
                descriptor, buffer.baseAddress, min(buffer.count, fileCount - offset), off_t(offset))
            if read < 0, errno == EINTR { continue }
            guard read > 0 else { throw failure("read a file back") }
            try body(UnsafeRawBufferPointer(rebasing: buffer[..<read]))
            offset += read
        }
    }

    private static func block(holding count: Int) -> UnsafeMutableRawBufferPointer {
        let block = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(blockSize, count), alignment: 1 << 21)
        #if os(Linux)
            // Each page is touched once and page faults dominate, so few large pages are faster.
            madvise(block.baseAddress, block.count, MADV_HUGEPAGE)
        #endif
        return block
    }

    private func openFile() throws {
        let path = folder + "/.spool-" + String(UInt64.random(in: .min ... .max), radix: 36)
        descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("create a file") }
        unlink(path)
    }

    private func failure(_ action: String) -> DataError {
        let reason = String(cString: strerror(errno))
        return DataError(
            "\(folder): cannot \(action) (\(reason)): packing needs a writable folder with free space for "
                + "twice the size of the store")
    }
}
