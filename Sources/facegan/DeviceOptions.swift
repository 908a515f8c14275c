import ArgumentParser
import Torch

/// Where to compute.
struct DeviceOptions: ParsableArguments {
    enum Choice: String, ExpressibleByArgument, CaseIterable { case auto, cpu, cuda }

    @Option(help: "auto takes CUDA where there is any.")
    var device: Choice = .auto

    @Option(help: ArgumentHelp("Threads of one operator on the CPU. (default: as many as there are cores)"))
    var threads: Int?

    func validate() throws {
        if let threads, threads < 1 {
            throw ValidationError("--threads: expected 1 or more, got \(threads).")
        }
    }

    /// Loads the engine and gives the device.
    func prepare() throws -> Device {
        try Engine.load()
        Engine.useBlockAllocator()
        if let threads { Engine.setThreads(threads) }
        switch device {
        case .auto: return Engine.bestDevice
        case .cpu: return .cpu
        case .cuda:
            guard Engine.cudaDeviceCount > 0 else {
                throw CommandError(
                    "--device cuda: no CUDA device can be used. `facegan doctor` says what was tried.")
            }
            return .cuda(0)
        }
    }
}
