import CTorch

/// Work of a CUDA device that is recorded once and replayed with one call (CUDA graph).
///
/// A replay runs the same kernels on the same memory. Tensors that the work uses must stay in place, and numbers that change
/// between replays must be tensors, see `RecordedScalars`. Random numbers come from the generator of the device, which
/// advances with every replay.
public final class DeviceGraph {
    private let handle: ct_graph

    /// Reason why work on `device` cannot be recorded; nil if it can.
    public static func obstacle(on device: Device) -> String? {
        guard case .cuda = device else { return "\(device) has no graphs" }
        return api.graph_obstacle().map { "libtorch \(Engine.version): \(String(cString: $0))" }
    }

    /// Records `body` without running it. The thread must use its own stream (`Engine.useOwnStream`).
    ///
    /// `body` must not copy between host and device.
    /// - Parameters:
    ///   - other: graph whose memory is reused. The replays of both must not overlap.
    ///   - body: work to record. Run it several times before, so that algorithms are selected and state exists.
    /// - Throws: `TorchError.refused` if an operator cannot be recorded, `TorchError.outOfMemory` for lack of memory.
    public init(sharingMemoryOf other: DeviceGraph? = nil, _ body: () -> Void) throws {
        var handle: ct_graph?
        guard api.graph_new(&handle) == CT_OK, let handle else { throw TorchError.refused(lastError()) }
        self.handle = handle
        guard withExtendedLifetime(other, { api.graph_begin(handle, other?.handle) }) == CT_OK else {
            throw TorchError.refused("start of the recording: \(lastError())")
        }
        let scope = RecoveryScope(acceptsAllErrors: true)
        RecoveryScope.$current.withValue(scope, operation: body)
        // The recording ends in any case. After a failure, its own error is a consequence.
        let status = api.graph_end(handle)
        if let error = scope.error { throw error }
        guard status == CT_OK else { throw TorchError.refused("end of the recording: \(lastError())") }
    }

    deinit { api.graph_free(handle) }

    /// Runs the recorded work after the earlier work of this thread's stream. Does not wait.
    public func replay() { check(api.graph_replay(handle), "replay of a graph") }
}

extension Engine {
    /// Makes this thread use its own stream on a CUDA device from now on, which recording requires. No effect on the CPU.
    public static func useOwnStream(on device: Device) {
        if case .cuda = device { check(api.use_own_stream(device.index), "stream of \(device)") }
    }

    /// Waits until the work of this thread's stream is done.
    public static func synchronizeStream(of device: Device) {
        if case .cuda = device {
            check(api.synchronize_stream(device.index), "synchronize the stream of \(device)")
        }
    }

    /// Sets speed options of CUDA for all threads.
    /// - Parameters:
    ///   - searchesAlgorithms: whether cuDNN measures its algorithms once for each shape.
    ///   - allowsTF32: whether float32 products and convolutions may round their inputs to TF32 (10 bits of mantissa).
    public static func setCUDASpeed(searchesAlgorithms: Bool, allowsTF32: Bool) {
        check(api.set_cuda_speed(searchesAlgorithms, allowsTF32), "speed options of CUDA")
    }
}

/// Traps in `body` at a copy between host and device, which a recording must not contain. For tests on the CPU.
package func withoutHostTransfers<Result>(_ body: () throws -> Result) rethrows -> Result {
    try HostTransfers.$areForbidden.withValue(true, operation: body)
}

/// Guard for `withoutHostTransfers`.
enum HostTransfers {
    @TaskLocal static var areForbidden = false

    static func note(_ what: @autoclosure () -> String, _ file: StaticString, _ line: UInt) {
        require(
            !areForbidden, "\(what()): a copy between host and device in recorded work", file: file,
            line: line)
    }
}

/// Operator calls of a computation, with all numbers and shapes. Two runs of work that can be replayed have equal calls.
package final class OperatorTrace {
    /// One line for each call.
    package private(set) var calls: [String] = []

    package init() {}

    @TaskLocal fileprivate static var boxed = Box(nil)

    /// Reference to the current trace. Only the thread of the trace uses it.
    fileprivate struct Box: @unchecked Sendable {
        let trace: OperatorTrace?
        init(_ trace: OperatorTrace?) { self.trace = trace }
    }

    static var current: OperatorTrace? { boxed.trace }

    /// Records the calls of `body` on this thread.
    package func record<Result>(_ body: () throws -> Result) rethrows -> Result {
        try Self.$boxed.withValue(Box(self), operation: body)
    }

    func add(_ name: StaticString, _ arguments: String) { calls.append("\(name) \(arguments)") }
}
