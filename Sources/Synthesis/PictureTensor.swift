import Checkpoints
import Imaging
import Provenance
import Recipes
import Torch

extension Picture {
    /// [1, 3, height, width] in -1...1 on a device.
    package func tensor(on device: Device) -> Tensor {
        .pictures(rgb().pixels, count: 1, height: height, width: width, on: device)
    }

    /// The first of pictures [N, 3, H, W] in -1...1.
    init(_ tensor: Tensor) {
        self.init(
            width: tensor.shape[3], height: tensor.shape[2], channels: 3,
            pixels: tensor[0..<1].to(.float32).pixels().bytes())
    }
}

extension SyntheticImage {
    /// A photograph that a model changed, or that stands beside one.
    init(
        _ picture: Picture, changedBy digest: String, recipe: Recipe,
        _ fields: [(name: String, value: String)]
    ) {
        self.init(
            picture: picture,
            origin: Origin(
                software: Model.software, model: digest, fields: [("recipe", recipe.name)] + fields,
                source: .compositeWithTrainedAlgorithmicMedia))
    }
}
