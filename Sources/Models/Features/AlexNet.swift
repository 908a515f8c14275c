import TorchNN

/// The convolutions of AlexNet (Krizhevsky 2014, one tower) under torchvision's keys; 2.5 million weights.
///
/// Taps: the five activations. Features: 256 means. Taps need 31 pixels a side.
public final class AlexNet: ConvolutionalTrunk, TappedNetwork {
    public var name: String { "alexnet" }

    public init() {
        super.init(
            [
                Conv2d(3, 64, kernel: 11, stride: 4, padding: 2), Activation.relu(), MaxPool2d(3, stride: 2),
                Conv2d(64, 192, kernel: 5, padding: 2), Activation.relu(), MaxPool2d(3, stride: 2),
                Conv2d(192, 384, kernel: 3, padding: 1), Activation.relu(),
                Conv2d(384, 256, kernel: 3, padding: 1), Activation.relu(),
                Conv2d(256, 256, kernel: 3, padding: 1), Activation.relu(), MaxPool2d(3, stride: 2),
            ], tapIndices: [1, 4, 7, 9, 11], tapChannels: [64, 192, 384, 256, 256], featureCount: 256,
            normalization: .imageNet, side: 224)
    }
}
