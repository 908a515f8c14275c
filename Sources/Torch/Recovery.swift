import Foundation
import Synchronization

/// The first error of a `recoveringFromOutOfMemory` scope, or of the recording of a graph.
final class RecoveryScope: @unchecked Sendable {
    @TaskLocal static var current: RecoveryScope?
    var error: TorchError?
    /// Whether every failed operator is an error of the scope, not only a lack of memory.
    let acceptsAllErrors: Bool

    init(acceptsAllErrors: Bool = false) { self.acceptsAllErrors = acceptsAllErrors }

    /// Whether the current scope has failed. Operators then compute nothing.
    static var hasFailed: Bool { current?.error != nil }
}

/// Runs `body` and throws `TorchError.outOfMemory`, instead of trapping, if a device runs out of memory.
///
/// After the first failure no operator in the scope computes anything. Operators return poisoned tensors, which report
/// the shape [1, 1, 1, 1], Float and the value NaN, and must not leave the scope. In-place changes made before the
/// failure remain.
/// - Throws: `TorchError.outOfMemory` if memory ran out, even if `body` threw another error or none; otherwise the
///   error that `body` throws.
public func recoveringFromOutOfMemory<Result>(_ body: () throws -> Result) throws -> Result {
    if let error = RecoveryScope.current?.error { throw error }
    let scope = RecoveryScope()
    do {
        let result = try RecoveryScope.$current.withValue(scope, operation: body)
        if let error = scope.error { throw error }
        return result
    } catch {
        throw scope.error ?? error
    }
}

extension Engine {
    private static let handler = Mutex<(@Sendable (TorchError) -> Never)?>(nil)

    /// Ends the process through `handler`, instead of a trap, if a device runs out of memory outside of
    /// `recoveringFromOutOfMemory`.
    ///
    /// On the CPU it also limits the memory of the process to that of the machine or container. Without the limit the kernel
    /// kills a process that uses too much memory, and there is no message.
    /// - Parameters:
    ///   - device: device of the computation.
    ///   - handler: reports the error and ends the process. Called on the thread of the operator.
    public static func endOnOutOfMemory(
        on device: Device, handler: @escaping @Sendable (TorchError) -> Never
    ) {
        Self.handler.withLock { $0 = handler }
        guard device == .cpu, let bytes = machineMemory else { return }
        var stack = rlimit()
        getrlimit(resource(RLIMIT_STACK), &stack)
        let stackBytes = stack.rlim_cur > 1 << 30 ? 8 << 20 : Int(stack.rlim_cur)
        // Stacks of threads count when they are reserved, not when they are used.
        let stacks = stackBytes * (2 * ProcessInfo.processInfo.processorCount + 64)
        let wanted = rlim_t(bytes + stacks + 1 << 30)
        var limit = rlimit()
        guard getrlimit(resource(RLIMIT_DATA), &limit) == 0, limit.rlim_cur > wanted else { return }
        limit.rlim_cur = wanted
        setrlimit(resource(RLIMIT_DATA), &limit)
    }

    static func end(with error: TorchError, file: StaticString, line: UInt) -> Never {
        if let handler = handler.withLock({ $0 }) { handler(error) }
        fatalError("\(error)", file: file, line: line)
    }

    #if canImport(Glibc)
        private static func resource(_ kind: __rlimit_resource) -> __rlimit_resource_t {
            __rlimit_resource_t(kind.rawValue)
        }
    #else
        private static func resource(_ kind: Int32) -> Int32 { kind }
    #endif

    /// Memory and swap of the machine, or the limit of the container if it is lower, in bytes; nil if unknown.
    package static var machineMemory: Int? {
        let lines = text("/proc/meminfo").split(separator: "\n")
        func bytes(_ key: String) -> Int? {
            let line = lines.first { $0.hasPrefix(key + ":") }
            return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { 1024 * $0 }
        }
        let swap = bytes("SwapTotal") ?? 0
        let machine = bytes("MemTotal").map { $0 + swap }
        let containers = containerFolders.compactMap { folder -> Int? in
            if let limit = number("\(folder)/memory.limit_in_bytes") { return limit }
            guard let limit = number("\(folder)/memory.max") else { return nil }
            return limit + (number("\(folder)/memory.swap.max") ?? swap)
        }
        return ([machine].compactMap(\.self) + containers).min()
    }

    /// Folders of the process's control groups and of the groups that contain them.
    private static var containerFolders: [String] {
        var folders: [String] = []
        for line in text("/proc/self/cgroup").split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let isSecond = parts[1].isEmpty
            guard isSecond || parts[1].split(separator: ",").contains("memory") else { continue }
            let root = isSecond ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory"
            var names = parts[2].split(separator: "/")
            while !names.isEmpty {
                folders.append(root + "/" + names.joined(separator: "/"))
                names.removeLast()
            }
            folders.append(root)
        }
        return folders
    }

    private static func number(_ path: String) -> Int? {
        Int(text(path).trimmingCharacters(in: .whitespacesAndNewlines))
    }

    private static func text(_ path: String) -> String {
        (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    }
}

/// Error of the engine that is not a programming error.
public enum TorchError: Error, CustomStringConvertible, Sendable {
    /// libtorch or the C API library could not be loaded; the text is the reason.
    case engineNotLoaded(String)
    /// A device ran out of memory; the text names the operator.
    case outOfMemory(String)
    /// libtorch rejected external input, such as an absent device or a generator state of another version.
    case refused(String)

    /// Message with the reason and the remedy.
    public var description: String {
        switch self {
        case .engineNotLoaded(let why):
            "the engine (libtorch) could not be loaded: \(why)\nRun `make setup`, or set TORCH_HOME to a PyTorch >= 2.11."
        case .outOfMemory(let why):
            "out of memory: \(why)\nUse a smaller batch (--set batchSize=..., or --batch), a lower resolution, or a machine with more memory."
        case .refused(let why): why
        }
    }
}

/// Traps with `message` unless `condition` holds. Unlike `precondition`, prints the message in release builds too.
@inline(__always)
package func require(
    _ condition: Bool, _ message: @autoclosure () -> String, file: StaticString = #fileID, line: UInt = #line
) {
    if !condition { fatalError(message(), file: file, line: line) }
}
