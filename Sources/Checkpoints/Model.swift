import Files
import Foundation
import Models
import Recipes
import Torch
import TorchNN

/// A trained generator from a run or a file, ready for use.
public struct Model {
    /// Which weights: the moving average makes better faces.
    public enum Weights: String, Sendable, CaseIterable { case average, raw }

    /// Which state of a run's folder: the newest, or the one with the lowest score.
    public enum State: String, Sendable, CaseIterable { case last, best }

    public let generator: any Generator
    /// Draws the generator's latents.
    public var sampler: LatentSampler
    public let recipe: Recipe
    public let clock: TrainingClock
    /// What was known where it was trained, such as the data's protocol.
    public let facts: [String: String]
    /// The file.
    public let path: String
    /// SHA-256 of its tensors.
    public let digest: String
    /// Which weights it has; `.average` falls back to `.raw` in a file without one.
    public let weights: Weights

    /// - Parameters:
    ///   - source: a run's folder, or a file of this program.
    ///   - state: only for a folder.
    public init(_ source: String, state: State = .last, weights: Weights = .average, device: Device = .cpu)
        throws
    {
        path = try Self.file(of: source, state)
        let checkpoint = try Checkpoint(path: path, sections: ["generator", "average", "labels"])
        (recipe, clock, facts) = (checkpoint.recipe, checkpoint.clock, checkpoint.facts)
        if let use = Self.otherUse(of: recipe) {
            throw CheckpointError(
                "\(path): the recipe \(recipe.name) makes no faces by itself; use it by `\(use)`")
        }
        let state: [(key: String, tensor: Tensor)]
        (state, self.weights) = checkpoint.generator(weights)
        digest = try SafetensorsFile(path: path).digest ?? ""
        let random = RandomSource(seed: 0)
        do {
            switch recipe.system {
            case .restoration(let settings):
                let faces = settings.makeRestorer(resolution: recipe.resolution, random: random)
                try faces.load(state)
                generator = CodeDecoder(faces as! FaceAutoencoder)
            default:
                generator = recipe.adversarial.makeGenerator(resolution: recipe.resolution, random: random)
                try generator.load(state)
            }
        } catch { throw CheckpointError("\(path): \(error)") }
        sampler = LatentSampler(generator.latentSpace, labels: try checkpoint.labelRows(path: path))
        // Weights of others come without a clock.
        if case .adversarial(let settings) = recipe.system, facts[PyTorchImport.originFact] == nil,
            let growth = settings.growth(images: clock.images, resolution: recipe.resolution)
        {
            (generator as? any Growing)?.growth = growth
        }
        generator.move(to: device, format: .channelsLast)
        generator.train(false)
    }

    /// The recipe of a model; its networks are not read.
    /// - Parameter source: a run's folder or a file of this program.
    public static func recipe(of source: String, state: State = .last) throws -> Recipe {
        try Checkpoint(path: try file(of: source, state), sections: []).recipe
    }

    /// The command for models of a recipe that makes no faces from seeds; nil for one that does.
    private static func otherUse(of recipe: Recipe) -> String? {
        switch recipe.system {
        case .adversarial: nil
        case .attributes: "facegan evaluate PICTURES --metrics accuracy --face MODEL"
        case .conversion: "facegan convert"
        case .restoration(let settings):
            settings.restorer.kind != .autoencoder
                ? "facegan upscale" : settings.restorer.autoencoder.skips ? "facegan reconstruct" : nil
        }
    }

    /// The file that a run's folder or a path stands for.
    public static func file(of source: String, _ state: State = .last) throws -> String {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: source, isDirectory: &isFolder) else {
            throw CheckpointError(
                "\(source): no such run or model. Train one with `facegan train --recipe dcgan --data ...`.")
        }
        guard isFolder.boolValue else {
            guard state == .last else {
                throw CheckpointError("\(source): a file; only a run's folder has a best state")
            }
            return source
        }
        if state == .best {
            let path = source + "/checkpoints/best.safetensors"
            guard FileManager.default.fileExists(atPath: path) else {
                throw CheckpointError(
                    "\(source): no state is the best yet; the first score comes after training.scoreKimg thousand"
                        + " images (0: never). Leave --best out for the newest state.")
            }
            return path
        }
        let candidates = ["checkpoints/last.safetensors", "last.safetensors", "model.safetensors"]
        for name in candidates where FileManager.default.fileExists(atPath: source + "/" + name) {
            return source + "/" + name
        }
        throw CheckpointError(
            "\(source): a folder without a trained state (looked for \(candidates.joined(separator: ", ")))."
                + " If the run has just begun, its first state is saved within minutes.")
    }
}

extension Model {
    /// Name and version of this program, for the marks on what it makes.
    public static let software = "FaceGAN 0.1"
}
