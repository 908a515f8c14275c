import ArgumentParser
import Checkpoints
import Console
import Foundation
import Torch

/// Device and number of threads.
struct DeviceOptions: ParsableArguments {
    enum Choice: String, ExpressibleByArgument, CaseIterable { case auto, cpu, cuda }

    @Option(help: "auto uses CUDA if there is a device.")
    var device: Choice = .auto

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Threads of one operator on the CPU. (default: number of cores)"))
    var threads: Int?

    func validate() throws { try NumberRange.check("--threads", threads, NumberRange.threads) }

    /// Loads the engine and selects the device.
    /// - Throws: `CommandError` if CUDA is requested and there is no device; `EngineError` without libtorch.
    func prepare() throws -> Device {
        try Engine.load()
        Engine.useBlockAllocator()
        if let threads { Engine.setThreads(threads) }
        let selected = try selectedDevice()
        Self.reportOutOfMemory(on: selected)
        return selected
    }

    /// Loads the engine for work on the CPU.
    /// - Throws: `EngineError` without libtorch.
    static func prepareCPU() throws {
        try Engine.load()
        reportOutOfMemory(on: .cpu)
    }

    private static func reportOutOfMemory(on device: Device) {
        Engine.endOnOutOfMemory(on: device) { error in
            // Files are replaced atomically, so nothing is lost but the work since the last save.
            ConsoleOutput.standardError.writeLine("\nError: \(error)")
            _exit(1)
        }
    }

    private func selectedDevice() throws -> Device {
        switch device {
        case .auto: return Engine.bestDevice
        case .cpu: return .cpu
        case .cuda:
            guard Engine.cudaDeviceCount > 0 else {
                throw CommandError(
                    "--device cuda: no usable CUDA device; run `facegan doctor` for details.")
            }
            return .cuda(0)
        }
    }
}

/// State of a restorer, and strength of its second stage.
struct StageOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: "0 for the weights from before the critic, 1 for the newest; values between interpolate.")
    var strength = 1.0

    @Flag(help: "Use the state of a run with the best score, in place of the newest.")
    var best = false

    func validate() throws {
        try NumberRange.check("--strength", strength, 0...1)
    }

    func load(_ model: String, device: Device) throws -> RestorationModel {
        try RestorationModel(model, state: best ? .best : .last, strength: strength, device: device)
    }
}

/// Seeds of the command line, such as `0-63,100`.
struct SeedList {
    let values: [UInt64]

    private static let mostSeeds = 1_000_000

    /// The seeds 0..<count.
    init(count: Int) { values = (0..<UInt64(count)).map { $0 } }

    /// - Throws: `ValidationError` for text that is not a list of seeds.
    init(_ text: String) throws {
        var values: [UInt64] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { UInt64($0) }
            switch (ends.count, ends.first ?? nil, ends.last ?? nil) {
            case (1, let seed?, _): values.append(seed)
            case (2, let first?, let last?) where first <= last:
                guard last - first < UInt64(Self.mostSeeds - values.count) else { throw Self.tooMany }
                values += Array(first...last)
            case (2, let first?, let last?):
                throw ValidationError("The range \(part) is descending; write \(last)-\(first).")
            default:
                throw ValidationError(
                    part.isEmpty
                        ? "--seeds: expected a seed between commas."
                        : "'\(part)' is not a seed; expected whole numbers and ranges, such as 0-63,100.")
            }
            guard values.count <= Self.mostSeeds else { throw Self.tooMany }
        }
        self.values = values
    }

    private static let tooMany = ValidationError("At most 1,000,000 seeds at once.")
}

/// Requested attributes of the command line, such as `Smiling=1,Eyeglasses=0`.
struct AttributeList {
    let wanted: [(name: String, isPresent: Bool)]

    private static let values = [
        "1": true, "yes": true, "true": true, "0": false, "-1": false, "no": false, "false": false,
    ]

    /// Parses `--attr`, where every attribute has a value, or `--class`, where a name or index alone is a present one.
    /// - Throws: `ValidationError` for other text and for repeated names.
    init(_ text: String, option: String = "--attr", allowsNames: Bool = false) throws {
        let form =
            allowsNames
            ? "an index or names, such as 3, Smiling or Smiling=1,Eyeglasses=0"
            : "NAME=1 or NAME=0, such as Smiling=1,Eyeglasses=0"
        wanted = try text.split(separator: ",").map { part in
            let sides = part.split(separator: "=", maxSplits: 1).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            if allowsNames, sides.count == 1, !sides[0].isEmpty { return (sides[0], true) }
            guard sides.count == 2, !sides[0].isEmpty, let value = Self.values[sides[1].lowercased()] else {
                throw ValidationError("\(option): expected \(form); got \(part).")
            }
            return (sides[0], value)
        }
        guard !wanted.isEmpty else {
            throw ValidationError("\(option): expected \(form).")
        }
        let names = wanted.map(\.name)
        if let twice = names.first(where: { name in names.count { $0 == name } > 1 }) {
            throw ValidationError("\(option): \(twice) appears twice.")
        }
    }
}

/// Runs an operation in a task that Ctrl-C cancels.
/// - Throws: what the operation throws, such as `CancellationError`.
func cancelledByInterrupt<Result: Sendable>(
    _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    let work = Task { try await body() }
    // A signal handler can only set a flag.
    let watcher = Task {
        while !Interrupt.isRequested { try await Task.sleep(for: .milliseconds(50)) }
        work.cancel()
    }
    defer { watcher.cancel() }
    return try await work.value
}

/// Error of a command that appears while it runs. The description names what, where and a remedy.
///
/// Errors in the arguments alone are `ValidationError`s, which print the usage too.
struct CommandError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
