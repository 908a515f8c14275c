import CTorch
import Files
import Foundation

/// libtorch as found on this machine: loading, version, threads, devices.
public enum Engine {
    /// Loads libtorch if it is not loaded yet; everything else does so by itself and traps where this throws.
    ///
    /// Looks in `TORCH_HOME` first, then where the build found it.
    public static func load() throws(TorchError) {
        if ct_engine() != nil { return }
        let environment = ProcessInfo.processInfo.environment
        let folder = environment["TORCH_HOME"].flatMap { $0.isEmpty ? nil : $0 + "/lib" }
        let library = environment["FACEGAN_ENGINE"] ?? libraryBesideTheProgram()
        if let reason = ct_engine_load(library, folder) {
            throw .engineNotLoaded(String(cString: reason))
        }
    }

    /// What was tried while loading, one line each.
    public static var trace: String { String(cString: ct_engine_trace()) }

    /// Version of libtorch, such as "2.13.0".
    public static var version: String { String(cString: api.version()) }

    /// libtorch's own description of how it was built.
    public static var configuration: String { String(cString: api.configuration()) }

    /// The instruction set that libtorch's kernels use: "AVX512", "AVX2", "DEFAULT".
    public static var cpuCapability: String { String(cString: api.cpu_capability()) }

    /// The schema of an operator ("conv2d", "add.Tensor"), nil if the engine has none of that name.
    public static func schema(of name: String) -> String? {
        var schema: UnsafePointer<CChar>?
        return name.withCString { api.schema($0, &schema) } == CT_OK
            ? schema.map { String(cString: $0) } : nil
    }

    /// Whether the engine has an operator of that name.
    public static func knows(operator name: String) -> Bool { schema(of: name) != nil }

    /// Tensors alive in the whole process; constant between training steps.
    public static var liveTensorCount: Int { Int(api.live_tensors()) }

    /// Threads of one operator.
    public static var threadCount: Int { Int(api.threads()) }

    /// Sets the threads of one operator and, the first time, of the pool between operators; first thing in a program.
    public static func setThreads(_ count: Int, interOp: Int = 1) {
        require(count > 0 && interOp > 0, "set threads: expected 1 or more, got \(count) and \(interOp)")
        check(api.set_threads(Int32(count), Int32(interOp)), "set threads")
    }

    /// Allocates CPU tensors of 256 KiB and more from one address range that is reused between training steps.
    ///
    /// This saves the time in which the system clears pages, and some memory. It replaces libtorch's CPU allocator in the
    /// whole process, so programs opt in and libraries do not. Tensors that exist already are not affected.
    public static func useBlockAllocator() { api.use_block_allocator() }

    /// Treats denormal numbers as zero on this thread, which keeps long CPU runs from slowing down.
    public static func flushDenormals(_ enabled: Bool) {
        check(api.set_flush_denormal(enabled), "flush denormals")
    }

    /// Refuses operators that have no deterministic form.
    public static func setDeterministic(_ enabled: Bool) {
        check(api.set_deterministic(enabled), "set deterministic")
    }

    /// CUDA devices that libtorch can use now.
    public static var cudaDeviceCount: Int { Int(api.cuda_device_count()) }

    /// The first CUDA device if there is one, else the CPU.
    public static var bestDevice: Device { cudaDeviceCount > 0 ? .cuda(0) : .cpu }

    /// Waits until a device has done all its work.
    public static func synchronize(_ device: Device) {
        if case .cuda = device { check(api.synchronize(device.index), "synchronize") }
    }

    /// Memory of a CUDA device in bytes: in tensors now, their peak, and of the whole device. Initializes CUDA.
    /// - Throws: `TorchError.refused` if there is no such device, or if it cannot be used.
    public static func cudaMemory(
        _ index: Int
    ) throws(TorchError) -> (allocated: Int, peak: Int, total: Int) {
        var allocated: Int64 = 0
        var peak: Int64 = 0
        var total: Int64 = 0
        if api.cuda_memory(Int32(clamping: index), &allocated, &peak, &total) != CT_OK {
            throw .refused("memory of cuda:\(index): \(lastError())")
        }
        return (Int(allocated), Int(peak), Int(total))
    }

    private static func libraryBesideTheProgram() -> String? {
        #if os(macOS)
            let name = "libFaceGANTorchEngine.dylib"
        #else
            let name = "libFaceGANTorchEngine.so"
        #endif
        var folders: [String] = []
        if let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") {
            folders.append(folder(ofPath: program))
        }
        // A program found in PATH may have a name without folder, and libraries of the working folder are not trusted.
        if let program = CommandLine.arguments.first, program.contains("/") {
            folders.append(folder(ofPath: program))
        }
        return folders.map { $0 + "/" + name }.first { FileManager.default.fileExists(atPath: $0) } ?? name
    }
}
