import ArgumentParser
import Console
import Files
import Foundation
import Provenance

/// The command `facegan`.
@main
struct FaceGANCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "facegan", abstract: "Train, evaluate, edit and serve face GANs.",
        discussion: """
            Examples:
              facegan doctor
              facegan train --recipe dcgan --data builtin:20000 --minutes 5
              facegan generate runs/dcgan --seeds 0-63 --out faces.png
              facegan evaluate runs/dcgan --html report.html
            """,
        version: Origin.program,
        subcommands: [
            TrainCommand.self, GenerateCommand.self, DirectionsCommand.self, EditCommand.self,
            MixCommand.self, ReplayCommand.self, DatasetCommand.self, AlignCommand.self,
            ReconstructCommand.self, UpscaleCommand.self, ConvertCommand.self, EvaluateCommand.self,
            DataCommand.self,
            RecipesCommand.self, ImportCommand.self, ExportCommand.self, WeightsCommand.self,
            DoctorCommand.self, MeasureCommand.self,
        ])
}

extension FaceGANCommand {
    /// Runs the command line, prints the error or help page, and ends the process with the exit status.
    ///
    /// All text passes through `ConsoleOutput`, which makes control characters visible. A failed write to standard output is
    /// a failure.
    static func main() async {
        ConsoleOutput.prepareStandardStreams()
        FileCancellation.setRequest { Interrupt.isRequested }
        do {
            var command = try await asyncParseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            end(with: error)
        }
        end(with: nil)
    }

    private static func end(with error: (any Error)?) -> Never {
        if error is CancellationError, Interrupt.isRequested {
            ConsoleOutput.standardError.writeLine("Stopped; nothing was written.")
            Foundation.exit(Interrupt.exitStatus)
        }
        let status = error.map { exitCode(for: $0) } ?? .success
        // The text is empty for an exit code, whose message was printed before.
        let text = error.map { fullMessage(for: $0) } ?? ""
        if !text.isEmpty {
            (status.isSuccess ? ConsoleOutput.standardOutput : .standardError).writeLine(text)
        }
        if status.isSuccess, let failure = ConsoleOutput.standardOutputFailure {
            if !failure.isClosedPipe { ConsoleOutput.standardError.writeLine("Error: \(failure)") }
            Foundation.exit(ExitCode.failure.rawValue)
        }
        Foundation.exit(status.rawValue)
    }
}
