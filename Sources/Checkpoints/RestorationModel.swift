import Files
import Models
import Recipes
import Torch
import TorchNN

/// A trained restorer from a run or a file, ready for use.
public struct RestorationModel {
    public let restorer: any Restorer
    public let recipe: Recipe
    public let clock: TrainingClock
    /// What was known where it was trained, such as the data's protocol.
    public let facts: [String: String]
    /// The file.
    public let path: String
    /// SHA-256 of its tensors.
    public let digest: String
    /// Whether the file has the weights of before the critic beside the newest ones, so that `strength` means something.
    public let hasTwoStages: Bool

    /// Section of a state that holds the weights of before the critic.
    package static let beforeSection = "before"
    /// The fact that says that a critic has come in.
    package static let criticFact = "critic"

    /// - Parameters:
    ///   - source: a run's folder or a file of this program.
    ///   - strength: 0 for the weights of before the critic, 1 for the newest ones, between them for mixtures of both.
    /// - Throws: `CheckpointError` for another kind of model, or a strength below 1 where there is one stage alone.
    public init(
        _ source: String, state: Model.State = .last, weights: Model.Weights = .average, strength: Double = 1,
        device: Device = .cpu
    ) throws {
        path = try Model.file(of: source, state)
        let checkpoint = try Checkpoint(path: path, sections: ["generator", "average", Self.beforeSection])
        (recipe, clock, facts) = (checkpoint.recipe, checkpoint.clock, checkpoint.facts)
        guard case .restoration(let settings) = recipe.system else {
            throw CheckpointError(
                "\(path): not a network that restores pictures (its recipe is \(recipe.name)); train one with --recipe dfl"
                    + " or --recipe superres")
        }
        digest = try SafetensorsFile(path: path).digest ?? ""
        let before = checkpoint.section(Self.beforeSection)
        hasTwoStages = !before.isEmpty && facts[Self.criticFact] != nil
        guard strength == 1 || hasTwoStages else {
            throw CheckpointError(
                "\(path): no critic has come in yet, so there is one set of weights alone; leave --strength out"
            )
        }
        restorer = settings.makeRestorer(resolution: recipe.resolution, random: RandomSource(seed: 0))
        do {
            try restorer.load(checkpoint.generator(weights).state)
            if strength != 1 {
                let other = Dictionary(
                    before.map { ($0.key, $0.tensor) }, uniquingKeysWith: { first, _ in first })
                withoutGradients {
                    for (key, tensor) in restorer.state {
                        guard let value = other[key] else { continue }
                        tensor.copy_(value.to(tensor.dtype).lerp(tensor, weight: strength))
                    }
                }
            }
        } catch { throw CheckpointError("\(path): \(error)") }
        restorer.move(to: device, format: .channelsLast)
        restorer.train(false)
    }
}
