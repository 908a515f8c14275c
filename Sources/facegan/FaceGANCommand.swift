import ArgumentParser

@main
struct FaceGANCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "facegan", abstract: "Train, judge, edit and serve face GANs.",
        subcommands: [
            DataCommand.self
        ])
}
