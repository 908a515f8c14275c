import Checkpoints
import Foundation
import Models
import PretrainedWeights
import Recipes
import Torch
import TorchNN

/// Fixed network whose feature maps are compared by a perceptual loss.
final class PerceptualNetwork {
    /// Feature maps of pictures. Pictures larger than the input of the network are not reduced, to keep fine detail.
    private let taps: (Tensor) -> [Tensor]
    private let layers: [Int]

    /// Minimum side of the input of networks that halve it five times.
    private static let minSide = 32

    /// Loads the network.
    /// - Throws: `CheckpointError` or `WeightsError` if the network cannot be loaded; `TrainingError.refused` if it has no
    ///   feature maps or lacks a layer of the settings.
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
                    "perceptual.network: \(settings.network) has no feature maps; use face, vgg16 or squeezenet"
                )
            }
            taps = { tapped.taps(tapped.normalization($0.resized(toSide: max(Self.minSide, $0.shape[2])))) }
            (network, count) = (tapped, tapped.tapChannels.count)
        }
        if let wrong = settings.layers.first(where: { $0 >= count }) {
            throw TrainingError.refused(
                "perceptual.layers: \(settings.network) has the maps 0 to \(count - 1), but no map \(wrong)"
            )
        }
        layers = settings.layers.isEmpty ? Array(0..<count) : settings.layers
        network.move(to: device, format: .channelsLast)
        network.train(false)
        network.freeze()
    }

    /// Feature maps of pictures [N, 3, side, side] in -1...1, differentiable with respect to the pictures.
    func maps(_ images: Tensor) -> [Tensor] {
        let all = taps(images.to(.float32))
        return layers.map { all[$0] }
    }
}
