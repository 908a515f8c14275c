import ArgumentParser
import Console
import Foundation
import Imaging
import Torch

/// `facegan doctor`: what engine, what devices, what is missing and what to do about it.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Say what this machine offers, what is missing, and what to do about it.",
        discussion: """
            Exit status 1 means that training is not possible as things are.

            Examples:
              facegan doctor
              TORCH_HOME=/path/to/site-packages/torch facegan doctor
            """)

    func run() throws {
        let output = ConsoleOutput.standardOutput
        var advice: [String] = []
        func line(_ name: String, _ value: String) {
            output.writeLine(
                output.styled(name.padding(toLength: 12, withPad: " ", startingAt: 0), .bold) + value)
        }
        let cpu = CPUFeatures.current
        line(
            "processor",
            "\(cpu.name.isEmpty ? "unknown" : cpu.name), \(ProcessInfo.processInfo.activeProcessorCount) cores"
        )
        let known = ["avx2", "avx512f", "avx512_bf16", "amx_tile", "amx_bf16", "asimd", "bf16", "sve"]
        let found = known.filter(cpu.flags.contains)
        line("features", found.isEmpty ? "none that matter here are known" : found.joined(separator: ", "))
        line("memory", Readable.bytes(Int(ProcessInfo.processInfo.physicalMemory)))

        var engineFailed = false
        do {
            try Engine.load()
            line(
                "engine",
                "libtorch \(Engine.version), \(Engine.cpuCapability) kernels, \(Engine.threadCount) threads")
            line(
                "precision",
                "auto means \(Precision.auto.resolved(for: Engine.bestDevice).rawValue) on \(Engine.bestDevice)"
            )
            if !cpu.hasFastBFloat16 {
                advice.append(
                    "This processor has no bfloat16 products: training uses fp32, at about half the speed.")
            }
            let count = Engine.cudaDeviceCount
            line("CUDA", count == 0 ? "no device" : Readable.count(count, "device"))
            for index in 0..<count {
                line("", "cuda:\(index), \(Readable.bytes(Engine.cudaMemory(index).total))")
            }
            if count == 0, FileManager.default.fileExists(atPath: "/dev/nvidiactl") {
                advice.append(
                    "There is an NVIDIA device, but the engine cannot use it: install a CUDA build of PyTorch (2.11 or "
                        + "later) and set TORCH_HOME to its folder (.../site-packages/torch).")
            }
        } catch {
            engineFailed = true
            line("engine", output.styled("not loaded", .red))
            advice.append("\(error)")
        }
        for text in Engine.trace.split(separator: "\n") { line("", output.styled(String(text), .dim)) }

        line(
            "pictures",
            "JPEG and PNG built in; WebP " + (PictureDecoder.readsWebP ? "by libwebp" : "not available"))
        var options: [String] = []
        if !PictureDecoder.readsWebP { options.append("for WebP pictures: apt install libwebp7") }
        for (tool, use, package) in [("curl", "downloads", "curl"), ("ffmpeg", "mp4 films", "ffmpeg")] {
            let path = Self.find(tool)
            line(tool, path ?? "not found")
            if path == nil { options.append("for \(use): apt install \(package)") }
        }
        if !advice.isEmpty { output.writeLine("\nWhat to do:") }
        for text in advice { output.writeLine("- \(text)") }
        if !options.isEmpty { output.writeLine("\nIf you want it:") }
        for text in options { output.writeLine("- \(text)") }
        if engineFailed { throw ExitCode.failure }
    }

    private static func find(_ tool: String) -> String? {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        return folders.map { "\($0)/\(tool)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }
}
