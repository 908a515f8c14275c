import ArgumentParser
import Console
import Foundation
import Torch
import Training

/// `facegan doctor self-test`: operators, layers, losses and recipes on a device against the CPU.
struct SelfTestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "self-test",
        abstract: "Compare the results of a device with those of the CPU.",
        discussion: """
            Runs every family of operators, every layer, loss and penalty, and one training step of each recipe on the device and
            on the CPU in fp32. The error of a tensor is the norm of the difference, divided by the norm of the CPU's result. The
            limit is 1e-4 in fp32, and 0.01 for the gradients of the networks of a recipe, in which rounding is amplified. In
            bf16 the limits are 0.03, 0.1 for penalties and losses of recipes, and 0.5 for gradients of recipes. The exit status
            is 1 if an error exceeds its limit.

            Examples:
              facegan doctor self-test
              facegan doctor self-test --device cuda --precision bf16 --only recipes
            """)

    @Option(help: "fp32 or bf16.")
    var precision: Precision = .fp32

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "operators, layers, losses, penalties or recipes. (default: all)", valueName: "group ..."))
    var only: [SelfTest.Group] = []

    @Option(
        parsing: .unconditional,
        help: "Number of the first check, to continue after a check that ended the process.")
    var from = 0

    @OptionGroup var place: DeviceOptions

    func validate() throws {
        try place.validate()
        try NumberRange.check("--from", from, 0...100_000)
    }

    func run() throws {
        let device = try place.prepare()
        // libtorch allows TF32 in convolutions, whose results have 10 bits of precision.
        Engine.setCUDASpeed(searchesAlgorithms: false, allowsTF32: false)
        let output = ConsoleOutput.standardOutput
        output.writeLine(
            "\(device) in \(precision == .auto ? "fp32" : precision.rawValue) against cpu in fp32")
        var (passed, failed) = (0, 0)
        SelfTest(device: device, precision: precision).run(
            only.isEmpty ? SelfTest.Group.allCases : only, from: from,
            starting: { index, group, name in
                // A pipe shows the name of the check at which a process ended.
                let number = String(index).padding(toLength: 4, withPad: " ", startingAt: 0)
                let title = "\(group.rawValue): \(name)".padding(toLength: 62, withPad: " ", startingAt: 0)
                output.write(number + title)
            },
            report: { row in
                if row.isPassed { passed += 1 } else { failed += 1 }
                let error = row.error == 0 ? "equal" : String(format: "%.1e", row.error)
                let result =
                    row.isPassed
                    ? "ok" : "FAILED, limit \(String(format: "%.0e", row.tolerance)): \(row.note)"
                output.writeLine(error.padding(toLength: 9, withPad: " ", startingAt: 0) + result)
            })
        output.writeLine("\(passed) passed, \(failed) failed")
        if failed > 0 { throw ExitCode.failure }
    }
}

extension SelfTest.Group: ExpressibleByArgument {}
