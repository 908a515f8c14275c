import Datasets
import Files
import Foundation
import PretrainedWeights
import Recipes
import Torch

/// Weights of a model.
public enum ModelWeights: String, Sendable, CaseIterable {
    /// The moving average over training, which generates better faces.
    case average
    /// The weights of the last training step.
    case raw
}

/// Saved state of a run.
public enum ModelState: String, Sendable, CaseIterable {
    /// The newest state.
    case last
    /// The state with the best score.
    case best
}

/// File of a trained model: a model file, or a saved state in a run directory.
public struct ModelFile: Sendable, Hashable {
    /// The safetensors file.
    public let path: String

    private static let candidates = ["checkpoints/last.safetensors", "last.safetensors", "model.safetensors"]

    /// - Parameters:
    ///   - source: a run directory, a model file, or the name of an included model.
    ///   - state: `.best` requires a run directory.
    /// - Throws: `CheckpointError` if there is no such file or state; `WeightsError` if an included model is missing.
    public init(_ source: String, state: ModelState = .last) throws {
        let files = FileManager.default
        if let included = try BundledModels.path(of: source) {
            guard state == .last else {
                throw CheckpointError("\(source): an included model; only a run directory has a best state")
            }
            path = included
            return
        }
        var isFolder: ObjCBool = false
        guard files.fileExists(atPath: source, isDirectory: &isFolder) else {
            throw CheckpointError(
                "\(source): no such run or model. Train one with `facegan train --recipe dcgan --data ...`, or use an"
                    + " included one: " + BundledModels.all.map(\.name).joined(separator: ", "))
        }
        guard isFolder.boolValue else {
            guard state == .last else {
                throw CheckpointError("\(source): a file; only a run directory has a best state")
            }
            guard !Self.isPyTorch(source) else {
                throw CheckpointError(
                    "\(source): a PyTorch file, not a model of FaceGAN. Convert it first: facegan import \(source) --out"
                        + " model.safetensors")
            }
            path = source
            return
        }
        if state == .best {
            path = source + "/checkpoints/best.safetensors"
            guard files.fileExists(atPath: path) else {
                throw CheckpointError(
                    "\(source): the run has no best state yet; the first score is computed after training.scoreKimg"
                        + " thousand images (0: never). Omit --best to use the newest state.")
            }
            return
        }
        guard let name = Self.candidates.first(where: { files.fileExists(atPath: source + "/" + $0) }) else {
            throw CheckpointError(
                "\(source): a folder without a trained state (looked for \(Self.candidates.joined(separator: ", ")))."
                    + " A run saves its first state within minutes of its start.")
        }
        path = source + "/" + name
    }

    /// Whether a path names a file that `torch.save` wrote, which `facegan import` converts.
    ///
    /// The content decides. For a damaged zip archive, the extension decides.
    public static func isPyTorch(_ path: String) -> Bool {
        let kind =
            try? FileManager.default.attributesOfItem(
                atPath: (path as NSString).resolvingSymlinksInPath)[.type] as? FileAttributeType
        guard kind == .typeRegular, let file = FileHandle(forReadingAtPath: path) else { return false }
        defer { try? file.close() }
        let head = [UInt8]((try? file.read(upToCount: 16)) ?? Data())
        if head.starts(with: [0x50, 0x4B, 0x03, 0x04]) {
            let names = (try? ZipArchive(path: path).entries.map(\.name)) ?? []
            return names.contains { $0 == "data.pkl" || $0.hasSuffix("/data.pkl") }
                || (names.isEmpty && hasPyTorchExtension(path))
        }
        // The pickle of a magic number, with which older files begin, or another pickle.
        let isPickle = head.count >= 2 && head[0] == 0x80 && (2...5).contains(head[1])
        return isPickle
            && (hasPyTorchExtension(path) || head.dropFirst(2).starts(with: [0x8A, 0x0A, 0x6C, 0xFC]))
    }

    private static func hasPyTorchExtension(_ path: String) -> Bool {
        ["pth", "pt", "ckpt", "bin", "pkl", "tar"].contains((path as NSString).pathExtension.lowercased())
    }

    /// Recipe of the model. Reads no weights.
    /// - Throws: `FileError` for a damaged file, `CheckpointError` for a file that is not a model.
    public func recipe() throws -> Recipe { try Checkpoint(path: path, sections: []).recipe }

    /// Data protocol of the pictures that the model was trained on. Reads no weights.
    /// - Throws: `FileError` for a damaged file, `CheckpointError` for a file that is not a model or has no protocol.
    public func dataProtocol() throws -> Datasets.DataProtocol {
        try Self.dataProtocol(in: try Checkpoint(path: path, sections: []).facts, path: path)
    }

    static func dataProtocol(in facts: [String: String], path: String) throws -> Datasets.DataProtocol {
        guard let name = facts["dataProtocol"] else {
            throw CheckpointError(
                "\(path): the model does not record the data protocol of its training pictures; align the photographs to"
                    + " a protocol that you know (facegan align --protocol celeba64-178)")
        }
        return try DataProtocol.parse(name)
    }

    /// Loads the model that the recipe in the file describes.
    /// - Parameters:
    ///   - weights: `.raw` is used if the file has no average.
    ///   - device: device of the network.
    /// - Throws: `FileError` for a damaged file, `CheckpointError` for weights that do not fit the recipe.
    public func load(weights: ModelWeights = .average, device: Device = .cpu) throws -> any LoadedModel {
        switch try recipe().system {
        case .adversarial: try GeneratorModel(path, weights: weights, device: device)
        case .restoration: try RestorationModel(path, weights: weights, device: device)
        case .conversion: try ConversionModel(path, weights: weights, device: device)
        case .attributes: try AttributeModel(path, weights: weights, device: device)
        }
    }
}

/// Description of a loaded model.
public struct ModelInfo: Sendable {
    /// Recipe of the model.
    public let recipe: Recipe
    /// Length of the training.
    public let clock: TrainingClock
    /// Other facts of the training, such as `dataProtocol`, `precision` and `seed`.
    public let facts: [String: String]
    /// The safetensors file.
    public let path: String
    /// SHA-256 of the tensors, in hexadecimal; empty for a file without a checksum.
    public let digest: String
    /// Weights that are loaded: `.raw` for a file without an average.
    public let weights: ModelWeights

    /// Data protocol of the pictures that the model was trained on.
    /// - Throws: `CheckpointError` if the file does not record it.
    public func dataProtocol() throws -> Datasets.DataProtocol {
        try ModelFile.dataProtocol(in: facts, path: path)
    }
}

extension Checkpoint {
    /// Adds the discriminator of a model file that has none from the file beside it, such as
    /// `celeba64.discriminator.safetensors` beside `celeba64.safetensors`, if there is one.
    /// - Throws: `FileError` or `CheckpointError` if that file cannot be used.
    public mutating func addDiscriminator(ofModel path: String) throws {
        let ending = ".safetensors"
        guard section("discriminator").isEmpty, path.hasSuffix(ending) else { return }
        let other = path.dropLast(ending.count) + ".discriminator" + ending
        guard FileManager.default.fileExists(atPath: other) else { return }
        tensors += try Checkpoint(path: other, sections: ["discriminator"]).tensors
    }
}
