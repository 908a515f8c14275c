import Checkpoints
import Files
import Models
import PretrainedWeights
import Recipes
import Torch
import TorchNN

/// Networks to judge with, by the name that their metrics carry.
public enum FeatureExtractors {
    /// The face network that comes with the program, and those of others that `facegan weights` brings.
    public static var names: [String] { ["face"] + FeatureNetworks.names }

    /// Whether the weights are on this machine.
    public static func isHere(_ name: String) -> Bool {
        if name == "face" { return (try? BundledWeights.path(of: AttributeModel.builtInFile)) != nil }
        return WeightsCache.default.path(of: FeatureNetworks.weights(of: name)) != nil
    }

    /// - Parameter face: a run or file of the recipe `attributes` in place of the network that comes with the program.
    /// - Throws: `CheckpointError` with what brings the weights.
    public static func load(_ name: String, face: String? = nil, device: Device = .cpu) throws
        -> FeatureExtractor
    {
        if name == "face" {
            return try ofFaces(
                try face.map { try AttributeModel($0, device: device) } ?? .builtIn(device: device))
        }
        let network = try FeatureNetworks.load(name)
        network.move(to: device, format: .channelsLast)
        return FeatureExtractor(
            name: name,
            digest: WeightsCache.default.record(of: FeatureNetworks.weights(of: name))?.sha256 ?? "",
            featureCount: network.featureCount
        ) { images in
            let features = network.features(images)
            return (features, (network as? Inception)?.logits(of: features))
        }
    }

    /// A face network: its pooled features, and its attributes as answers. Pictures of another size are resized.
    public static func ofFaces(_ model: AttributeModel) throws -> FeatureExtractor {
        let (features, head) = (model.network.foldedFeatures(), model.network.head)
        let side = model.recipe.resolution
        return FeatureExtractor(
            name: "face", digest: try SafetensorsFile(path: model.path).digest ?? "",
            featureCount: model.network.featureCount, answers: model.attributes
        ) { images in
            let found = features(images.resized(toSide: side))
            return (found, head(found))
        }
    }
}
