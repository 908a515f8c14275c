import ArgumentParser
import Console
import Datasets
import Foundation
import Imaging
import Torch

/// `facegan doctor`: engine, devices and missing programs, with advice.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Show the engine and devices of this machine, and what is missing.",
        discussion: """
            The exit status is 1 if training is not possible.

            Examples:
              facegan doctor
              TORCH_HOME=/path/to/site-packages/torch facegan doctor
            """,
        subcommands: [SelfTestCommand.self])

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
        line("features", found.isEmpty ? "none of the known ones" : found.joined(separator: ", "))
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
            line("speed", ProductSpeed.measured().description(on: cpu))
            let count = Engine.cudaDeviceCount
            line("CUDA", count == 0 ? "no device" : Readable.count(count, "device"))
            for index in 0..<count {
                do {
                    line("", "cuda:\(index), \(Readable.bytes(try Engine.cudaMemory(index).total))")
                } catch {
                    line("", "cuda:\(index), not usable")
                    advice.append("\(error)")
                }
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

        line("pictures", "JPEG, PNG and BMP built in")
        var options: [String] = []
        for (format, isRead, library, package) in [
            ("WebP", PictureDecoder.readsWebP, "libwebp", "libwebp7"),
            ("TIFF", PictureDecoder.readsTIFF, "libtiff", "libtiff6"),
            ("HEIC", PictureDecoder.readsHEIC, "libheif", "libheif1"),
            ("AVIF", PictureDecoder.readsAVIF, "libheif", "libheif1"),
        ] {
            line("", "\(format) " + (isRead ? "by \(library)" : "not available (\(library))"))
            if !isRead { options.append("for \(format) pictures: apt install \(package)") }
        }
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

/// Output of 'data doctor': details, then a summary.
struct DoctorPrinter {
    let report: SourceReport
    let output: ConsoleOutput

    /// Limit of the lines of a list; the JSON report is complete.
    private static let shown = 10

    func write() {
        groups("same file", report.exactDuplicates)
        groups("same picture", report.nearDuplicates)
        list(
            "odd size", report.oddSizes, count: report.oddSizes.count,
            describe: { "\($0.name): \($0.width)x\($0.height)" })
        // Malformed rows come first.
        list(
            "labels", report.labels.issues, count: report.labels.issues.count,
            shown: max(DoctorPrinter.shown, min(100, report.labels.malformed)), describe: { $0 })
        for line in SkippedFile.summary(report.skipped, names: DoctorPrinter.shown) {
            output.writeLine("\(output.styled("skipped", .yellow))  \(PictureNames.oneLine(line))")
        }
        for warning in PictureWarning.allCases {
            guard let names = report.warnings[warning.rawValue] else { continue }
            let examples = names.prefix(3).joined(separator: ", ") + (names.count > 3 ? ", …" : "")
            output.writeLine(
                "note  \(Readable.count(names.count)) \(warning.rawValue): \(PictureNames.oneLine(examples))")
        }
        if let damage = report.damage {
            output.writeLine("\(output.styled("bad", .red))  the archive: \(damage)")
        }
        output.writeLine()
        summary()
    }

    private func groups(_ title: String, _ groups: [SourceReport.Group]) {
        list(title, groups, count: groups.count) { group in
            let others =
                group.names.prefix(6).joined(separator: ", ")
                + (group.names.count > 6 ? ", … (\(group.names.count) in all)" : "")
            return others + (group.isMirrored ? " (mirrored)" : "")
        }
    }

    private func list<T>(
        _ title: String, _ items: [T], count: Int, shown: Int = DoctorPrinter.shown, describe: (T) -> String
    ) {
        for item in items.prefix(shown) {
            output.writeLine("\(output.styled(title, .yellow))  \(PictureNames.oneLine(describe(item)))")
        }
        if count > shown {
            output.writeLine(
                "\(output.styled(title, .yellow))  … \(Readable.count(count - shown)) more (--json)")
        }
    }

    private func summary() {
        var table = Table(["", ""])
        table.add(["pictures", Readable.count(report.pictureCount)])
        table.add(["bad", report.bad.isEmpty ? "none" : badKinds])
        table.add(["same file", duplicates(report.exactDuplicates)])
        table.add(["same picture", duplicates(report.nearDuplicates)])
        table.add(["sizes", sizes])
        table.add(["skipped", report.skipped.isEmpty ? "none" : Readable.count(report.skipped.count, "file")])
        table.add(["labels", labels])
        let rate = Readable.rate(Double(report.pictureCount) / max(report.seconds, 1e-9))
        table.add(["time", "\(Readable.duration(report.seconds)) (\(rate) pictures/s)"])
        for line in table.lines(for: output) { output.writeLine(line) }
    }

    private var badKinds: String {
        let kinds = PictureProblem.Kind.allCases.compactMap { kind in
            let count = report.bad.filter { $0.kind == kind }.count
            return count > 0 ? "\(Readable.count(count)) \(kind.rawValue)" : nil
        }
        return "\(Readable.count(report.bad.count)): " + kinds.joined(separator: ", ")
    }

    private func duplicates(_ groups: [SourceReport.Group]) -> String {
        guard !groups.isEmpty else { return "none" }
        let superfluous = groups.reduce(0) { $0 + $1.names.count - 1 }
        return "\(Readable.count(groups.count, "group")), \(Readable.count(superfluous, "picture")) too many"
    }

    private var sizes: String {
        let common = report.sizes.prefix(4).map { "\($0.width)x\($0.height) (\(Readable.count($0.count)))" }
        let more = report.sizes.count > 4 ? ", \(Readable.count(report.sizes.count - 4)) more" : ""
        let odd = report.oddSizes.isEmpty ? "" : "; \(Readable.count(report.oddSizes.count)) odd"
        return common.isEmpty ? "none" : common.joined(separator: ", ") + more + odd
    }

    private var labels: String {
        let known = report.labels
        var parts: [String] = []
        if known.attributes > 0 { parts.append(Readable.count(known.attributes, "attribute")) }
        if known.identities > 0 {
            parts.append(Readable.count(known.identities, "person", plural: "persons"))
        }
        if known.classes > 0 { parts.append(Readable.count(known.classes, "class", plural: "classes")) }
        for split in ["train", "validation", "test"] {
            if let count = known.splits[split] { parts.append("\(Readable.count(count)) \(split)") }
        }
        let problems = known.counts.sorted { $0.key < $1.key }.map { "\(Readable.count($0.value)) \($0.key)" }
        let text = parts.isEmpty ? "none" : parts.joined(separator: ", ")
        return problems.isEmpty ? text : text + "; problems: " + problems.joined(separator: ", ")
    }
}
