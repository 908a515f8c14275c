import Datasets
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

extension Model {
    /// Names of the attributes that can be requested; empty for an unconditional model.
    public var attributes: [String] { sampler.labels?.names ?? [] }

    /// Attributes that are requested for all faces, such as `Smiling=1,Eyeglasses=0`; nil for none.
    public var requestedText: String? {
        guard !sampler.requested.isEmpty else { return nil }
        return sampler.requested.sorted { $0.key < $1.key }
            .map { "\(attributes[$0.key])=\($0.value > 0 ? 1 : 0)" }.joined(separator: ",")
    }

    /// Requests attributes for all faces from now on. The others vary as they do in the training pictures.
    /// - Throws: `CheckpointError` for an attribute that the model does not have, with the nearest one.
    public mutating func request(_ wanted: [(name: String, isPresent: Bool)]) throws {
        for (name, isPresent) in wanted {
            guard let index = attributes.firstIndex(of: name) else {
                throw attributes.isEmpty
                    ? CheckpointError(
                        "\(path): this model has no attributes to request; train the recipe `conditional`")
                    : .noAttribute(name, among: attributes)
            }
            sampler.requested[index] = isPresent ? 1 : -1
        }
    }
}

extension Model {
    /// The data protocol that a model learnt under; its networks are not read.
    /// - Parameter source: a run's folder or a file of this program.
    /// - Throws: `CheckpointError` when the model does not say.
    public static func dataProtocol(of source: String) throws -> Datasets.DataProtocol {
        let path = try file(of: source, .last)
        return try dataProtocol(in: try Checkpoint(path: path, sections: []).facts, of: path)
    }

    /// The same from the facts of a model that has been read.
    /// - Parameter path: its file, for errors.
    public static func dataProtocol(in facts: [String: String], of path: String) throws
        -> Datasets.DataProtocol
    {
        guard let name = facts["dataProtocol"] else {
            throw CheckpointError(
                "\(path): the model does not say under which protocol its pictures were cut; align the photographs to one that"
                    + " you know (facegan align --protocol celeba64-178)")
        }
        return try DataProtocol.parse(name)
    }
}
