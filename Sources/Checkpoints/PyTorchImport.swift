import Models
import Recipes
import Torch
import TorchNN

/// Conversion of a PyTorch state dictionary to a model.
public struct PyTorchImport {
    /// Network of the recipe that the dictionary belongs to.
    public enum Network: String, Sendable, CaseIterable {
        /// The generator.
        case generator
        /// The discriminator or critic.
        case discriminator
    }

    /// Key of the fact that records the origin of imported weights.
    public static let originFact = "origin"

    /// Network that the weights were loaded into.
    public let network: Network
    /// Keys and shapes that do not fit; empty if every key was loaded.
    public let mismatch: StateMismatch
    /// Keys that fit.
    public let taken: [String]
    /// The model; nil if the weights do not fit.
    public let checkpoint: Checkpoint?

    /// Reads a state dictionary into the network of the recipe that it fits best.
    ///
    /// Prefixes that wrappers add to every key (`module.`, `netG.`) are removed.
    /// - Parameters:
    ///   - path: PyTorch state dictionary.
    ///   - recipe: adversarial recipe that describes the network.
    ///   - network: nil selects the network with the fewest mismatches.
    /// - Throws: `FileError` for a damaged file, `CheckpointError` for a recipe without a generator.
    public init(path: String, recipe: Recipe, network: Network? = nil) throws {
        let state = Self.withoutCommonPrefix(try PyTorchStateDictionary.read(path).map { ($0.0, $0.1) })
        let random = RandomSource(seed: 0)
        guard case .adversarial(let settings) = recipe.system else {
            throw CheckpointError(
                "the recipe \(recipe.name) has no generator; weights are imported into adversarial recipes")
        }
        let generator = settings.makeGenerator(resolution: recipe.resolution, random: random)
        let discriminator = settings.makeDiscriminator(resolution: recipe.resolution, random: random)
        let mismatches: [(Network, StateMismatch)] = [
            (.generator, generator.mismatch(with: state)),
            (.discriminator, discriminator.mismatch(with: state)),
        ]
        let chosen =
            network.map { wanted in mismatches.first { $0.0 == wanted }! }
            ?? mismatches.min { Self.badness($0.1) < Self.badness($1.1) }!
        (self.network, mismatch) = chosen
        let target: Module = chosen.0 == .generator ? generator : discriminator
        let known = Set(target.state.map(\.key))
        let wrong = Set(mismatch.misshaped.map(\.key))
        taken = state.map(\.key).filter { known.contains($0) && !wrong.contains($0) }
        guard mismatch.isEmpty else {
            checkpoint = nil
            return
        }
        try target.load(state)
        var made = Checkpoint(
            recipe: recipe, facts: [Self.originFact: "imported from a PyTorch state dictionary"])
        made.add(chosen.0.rawValue, target.state)
        checkpoint = made
    }

    private static func badness(_ mismatch: StateMismatch) -> Int {
        mismatch.missing.count + mismatch.unexpected.count + mismatch.misshaped.count
    }

    private static func withoutCommonPrefix(
        _ state: [(key: String, tensor: Tensor)]
    ) -> [(key: String, tensor: Tensor)] {
        var state = state
        for prefix in ["module.", "netG.", "netD.", "generator.", "discriminator."]
        where !state.isEmpty && state.allSatisfy({ $0.key.hasPrefix(prefix) }) {
            state = state.map { (String($0.key.dropFirst(prefix.count)), $0.tensor) }
        }
        return state
    }
}
