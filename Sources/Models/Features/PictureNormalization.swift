import Torch

/// What pictures become for a published network; from [N, 3, H, W] RGB in -1...1.
public enum PictureNormalization: Sendable {
    /// RGB in 0...1, less ImageNet's mean, over its deviation; torchvision's networks.
    case imageNet
    /// BGR in 0...255, less (104, 117, 123); Caffe's networks.
    case caffe
    /// ImageNet's, for pictures in -1...1, rounded to three digits; the scaling layer of LPIPS 0.1.
    case lpips

    /// The normalized pictures.
    public func callAsFunction(_ images: Tensor) -> Tensor {
        switch self {
        case .imageNet:
            ((images + 1) / 2 - color([0.485, 0.456, 0.406], images))
                / color([0.229, 0.224, 0.225], images)
        case .caffe: (images.flipped([1]) + 1) * 127.5 - color([104, 117, 123], images)
        case .lpips:
            (images - color([-0.030, -0.088, -0.188], images)) / color([0.458, 0.448, 0.450], images)
        }
    }

    private func color(_ values: [Float], _ images: Tensor) -> Tensor {
        Tensor(values, shape: [1, 3, 1, 1]).to(images.device)
    }
}
