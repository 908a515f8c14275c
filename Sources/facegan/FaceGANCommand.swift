import ArgumentParser

@main
struct FaceGANCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "facegan", abstract: "Train, judge, edit and serve face GANs.",
        subcommands: [
            TrainCommand.self, GenerateCommand.self, DataCommand.self, RecipesCommand.self,
            ImportCommand.self,
            DoctorCommand.self,
        ])
}
