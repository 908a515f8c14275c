import ArgumentParser
import Models

/// `facegan weights …`: published weights that pictures are judged with.
struct WeightsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "weights",
        abstract: "List, fetch and bring in the weights of others that pictures are judged with.",
        discussion: """
            FID, LPIPS and their like are defined by networks that others trained. None of them comes with FaceGAN. Fetched \
            or brought in once, they are kept in ~/.cache/facegan/weights (or $FACEGAN_CACHE/weights) and found from then on, \
            also without a network.
            """,
        subcommands: [WeightsList.self, WeightsGet.self, WeightsAdd.self])
}
