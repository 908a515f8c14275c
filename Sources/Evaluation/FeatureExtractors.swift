import Checkpoints
import Models
import PretrainedWeights
import Recipes
import Torch
import TorchNN

/// Feature networks by the names that metrics use.
public enum FeatureExtractors {
    /// Names of feature networks: `face`, the bundled face network, and published networks (`facegan weights`).
    public static var names: [String] { ["face"] + FeatureNetworks.names }

    /// Whether the weights of a network are on this machine.
    public static func isHere(_ name: String) -> Bool {
        if name == "face" { return (try? BundledWeights.path(of: AttributeModel.builtInFile)) != nil }
        return WeightsCache.default.path(of: FeatureNetworks.weights(of: name)) != nil
    }

    /// Loads a feature network.
    /// - Parameters:
    ///   - name: one of `names`.
    ///   - face: run or model of the recipe `attributes` in place of the bundled face network.
    ///   - device: device of the network.
    /// - Throws: `WeightsError` for missing weights, with the command that downloads them; `CheckpointError` and `FileError` for
    ///   `face`.
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

    /// Feature extractor of a face network: pooled features, and attributes as logits. Resizes pictures to its resolution.
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

/// Network that extracts features of pictures.
public struct FeatureExtractor {
    /// Name in metrics, such as `face` in `fd-face`.
    public let name: String
    /// SHA-256 of the weights.
    public let digest: String
    /// Number of features D.
    public let featureCount: Int
    /// Names of the logits; empty for a network without named logits.
    public let answers: [String]
    private let function: (Tensor) -> (features: Tensor, logits: Tensor?)

    /// - Parameters:
    ///   - name: name in metrics.
    ///   - digest: SHA-256 of the weights, for cache keys and reports.
    ///   - featureCount: number of features D.
    ///   - answers: names of the logits.
    ///   - function: maps pictures [N, 3, H, H] in -1...1 to features [N, D] and optional logits [N, A].
    public init(
        name: String, digest: String, featureCount: Int, answers: [String] = [],
        _ function: @escaping (Tensor) -> (features: Tensor, logits: Tensor?)
    ) {
        (self.name, self.digest, self.featureCount) = (name, digest, featureCount)
        (self.answers, self.function) = (answers, function)
    }

    /// Extracts features without gradients.
    /// - Parameter images: [N, 3, H, H] in -1...1.
    /// - Returns: features [N, D] and logits [N, A], float32.
    public func callAsFunction(_ images: Tensor) -> (features: Tensor, logits: Tensor?) {
        withoutGradients {
            let found = function(images)
            return (found.features.to(.float32), found.logits?.to(.float32))
        }
    }
}
