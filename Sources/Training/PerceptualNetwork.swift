import Checkpoints
import Foundation
import Models
import PretrainedWeights
import Recipes
import Torch
import TorchNN

/// A network that does not learn, by whose maps pictures are compared.
final class PerceptualNetwork {
    /// Of pictures at their own size, for what is finer than a network's own would else not count.
    private let taps: (Tensor) -> [Tensor]
    private let layers: [Int]

    /// Networks of large pictures halve them five times.
    private static let leastSide = 32

    /// - Throws: `CheckpointError` for a network that is not there; `TrainingError.refused` for layers that it lacks.
    init(_ settings: PerceptualSettings, _ device: Device) throws {
        let (network, count): (Module, Int)
        if settings.network == "face" || FileManager.default.fileExists(atPath: settings.network) {
            let model =
                settings.network == "face"
                ? try AttributeModel.builtIn(device: device)
                : try AttributeModel(settings.network, device: device)
            let (face, side) = (model.network, model.recipe.resolution)
            taps = { face.maps($0.resized(toSide: max(side, $0.shape[2]))) }
            (network, count) = (face, FaceNetwork.mapCount)
        } else {
            guard let tapped = try FeatureNetworks.load(settings.network) as? any TappedNetwork else {
                throw TrainingError.refused(
                    "perceptual.network: \(settings.network) has no inner maps; take face, vgg16 or squeezenet"
                )
            }
            taps = { tapped.taps(tapped.normalization($0.resized(toSide: max(Self.leastSide, $0.shape[2])))) }
            (network, count) = (tapped, tapped.tapChannels.count)
        }
        if let wrong = settings.layers.first(where: { $0 >= count }) {
            throw TrainingError.refused(
                "perceptual.layers: \(settings.network) has \(count) maps, 0 to \(count - 1), and no \(wrong)"
            )
        }
        layers = settings.layers.isEmpty ? Array(0..<count) : settings.layers
        network.move(to: device, format: .channelsLast)
        network.train(false)
        network.freeze()
    }

    /// Maps of pictures [N, 3, side, side] in -1...1; open to gradients of the pictures.
    func maps(_ images: Tensor) -> [Tensor] {
        let all = taps(images.to(.float32))
        return layers.map { all[$0] }
    }
}
