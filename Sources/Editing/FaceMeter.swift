import Checkpoints
import Evaluation
import Imaging
import Models
import PretrainedWeights
import Provenance
import Recipes
import Torch
import TorchNN

/// Measurement of faces: logits of attributes, and an embedding of the identity.
public final class FaceMeter {
    /// Names of the K attributes.
    public let attributes: [String]
    /// SHA-256 of the face network.
    public let networkDigest: String
    /// Network of the embedding: `mobilefacenet`, or `face` if its weights are not on this machine.
    public let identityNetwork: String
    /// Message with the command that downloads the embedding; nil if it is on this machine.
    public let advice: String?
    private let face: FeatureExtractor
    private let identity: FeatureExtractor
    /// Embedding [N, E] of pictures [N, 3, H, H] in -1...1, with gradients.
    let embedding: (Tensor) -> Tensor
    private let device: Device

    /// - Parameters:
    ///   - network: run or model of the recipe `attributes`; nil for the bundled face network.
    ///   - device: device of the networks.
    /// - Throws: `CheckpointError`, `FileError` and `WeightsError` for networks that cannot be loaded.
    public init(network: String? = nil, device: Device = .cpu) throws {
        let model = try network.map { try AttributeModel($0, device: device) } ?? .builtIn(device: device)
        face = FeatureExtractors.ofFaces(model)
        (attributes, networkDigest, self.device) = (model.attributes, model.digest, device)
        let name = "mobilefacenet"
        if FeatureExtractors.isHere(name) {
            let published = try FeatureNetworks.load(name)
            published.move(to: device, format: .channelsLast)
            identity = FeatureExtractor(
                name: name, digest: WeightsCache.default.record(of: name)?.sha256 ?? "",
                featureCount: published.featureCount
            ) { (published.features($0), nil) }
            (identityNetwork, advice) = (name, nil)
            embedding = { published.features($0) }
        } else {
            (identity, identityNetwork) = (face, "face")
            advice =
                "identity is the cosine of the features of the face network; to measure it with MobileFaceNet, run:"
                + " facegan weights get \(name)"
            let side = model.recipe.resolution
            embedding = { model.network.features($0.resized(toSide: side)) }
        }
    }

    /// Measurements of faces.
    public struct Measurement {
        /// Logits of the attributes, [N, K], float32, on the CPU.
        let logits: Tensor
        /// Features of the face network, [N, F].
        let features: Tensor
        /// Embeddings of the identity, [N, E]; nil if not requested.
        let identities: Tensor?
    }

    /// Measures faces of one size.
    /// - Parameters:
    ///   - images: 1 or more faces.
    ///   - withIdentity: whether to compute the embeddings, too.
    func measure(_ images: [SyntheticImage], withIdentity: Bool = false) -> Measurement {
        var (logits, features, identities) = ([Tensor](), [Tensor](), [Tensor]())
        for start in stride(from: 0, to: images.count, by: Self.batchSize) {
            let part = images[start..<min(images.count, start + Self.batchSize)]
            let pictures = Tensor.pictures(
                part.flatMap { $0.picture.pixels }, count: part.count, height: part[start].height,
                width: part[start].width, on: device)
            let found = face(pictures)
            // Every model of the recipe `attributes` has logits.
            logits.append((found.logits ?? found.features).to(.cpu))
            features.append(found.features.to(.cpu))
            if withIdentity {
                identities.append(
                    identityNetwork == "face"
                        ? features[features.count - 1] : identity(pictures).features.to(.cpu))
            }
        }
        return Measurement(
            logits: .concatenated(logits), features: .concatenated(features),
            identities: withIdentity ? .concatenated(identities) : nil)
    }

    private static let batchSize = 32
}
