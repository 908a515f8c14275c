import Foundation

/// Memory of this process.
public enum ProcessMemory {
    /// Resident bytes; nil where the system does not tell through `/proc`.
    public static var resident: Int? {
        guard let data = FileManager.default.contents(atPath: "/proc/self/statm") else { return nil }
        let fields = String(decoding: data, as: UTF8.self).split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else { return nil }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
