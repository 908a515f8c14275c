import Checkpoints
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
            return ofFaces(
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
    public static func ofFaces(_ model: AttributeModel) -> FeatureExtractor {
        let (features, head) = (model.network.foldedFeatures(), model.network.head)
        let side = model.recipe.resolution
        return FeatureExtractor(
            name: "face", digest: model.digest,
            featureCount: model.network.featureCount, answers: model.attributes
        ) { images in
            let found = features(images.resized(toSide: side))
            return (found, head(found))
        }
    }
}

/// A network that describes pictures, and the name that its metrics carry.
public struct FeatureExtractor {
    /// As in `fd-face`.
    public let name: String
    /// SHA-256 of its weights.
    public let digest: String
    public let featureCount: Int
    /// Names of its answers, where it has any.
    public let answers: [String]
    private let function: (Tensor) -> (features: Tensor, logits: Tensor?)

    /// - Parameter function: pictures [N, 3, H, H] in -1...1 to features [N, featureCount] and perhaps logits.
    public init(
        name: String, digest: String, featureCount: Int, answers: [String] = [],
        _ function: @escaping (Tensor) -> (features: Tensor, logits: Tensor?)
    ) {
        (self.name, self.digest, self.featureCount) = (name, digest, featureCount)
        (self.answers, self.function) = (answers, function)
    }

    /// Features [N, featureCount] and logits, float32.
    public func callAsFunction(_ images: Tensor) -> (features: Tensor, logits: Tensor?) {
        withoutGradients {
            let found = function(images)
            return (found.features.to(.float32), found.logits?.to(.float32))
        }
    }
}
