import ArgumentParser
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
            TrainCommand.self, GenerateCommand.self, AlignCommand.self, ReconstructCommand.self,
            UpscaleCommand.self, ConvertCommand.self, EvaluateCommand.self,
            DataCommand.self,
            RecipesCommand.self, ImportCommand.self, ExportCommand.self, WeightsCommand.self,
            DoctorCommand.self, MeasureCommand.self,
        ])
}
