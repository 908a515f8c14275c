import Files
import Foundation
import Models
import Torch
import TorchNN

/// A trained generator from a run or a file, ready for use.
public struct Model {
    /// Which weights: the moving average makes better faces.
    public enum Weights: String, Sendable, CaseIterable { case average, raw }

    /// Which state of a run's folder: the newest, or the one with the lowest score.
    public enum State: String, Sendable, CaseIterable { case last, best }

    public let generator: any Generator
    /// What the generator takes.
    public var codes: Codes
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
        guard checkpoint.recipe.task == .adversarial else {
            throw CheckpointError(
                "\(path): a face network (recipe \(checkpoint.recipe.name)), which makes no faces")
        }
        let average = checkpoint.section("average")
        self.weights = weights == .average && !average.isEmpty ? .average : .raw
        let state = self.weights == .average ? average : checkpoint.section("generator")
        (recipe, clock, facts) = (checkpoint.recipe, checkpoint.clock, checkpoint.facts)
        digest = try SafetensorsFile(path: path).digest ?? ""
        codes = Codes(recipe.generator.latent, labels: try checkpoint.labelRows(path: path))
        generator = recipe.makeGenerator(random: RandomSource(seed: 0))
        // Weights of others come without a clock.
        if let growth = recipe.growth(images: clock.images), facts[PyTorchImport.originFact] == nil {
            (generator as? any Growing)?.growth = growth
        }
        do { try generator.load(state) } catch { throw CheckpointError("\(path): \(error)") }
        generator.move(to: device, format: .channelsLast)
        generator.train(false)
    }

    /// The file that a run's folder or a path stands for.
    static func file(of source: String, _ state: State) throws -> String {
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
