import TorchNN

/// The convolutions of VGG-16 (Simonyan and Zisserman 2015) under torchvision's keys; 14.7 million weights.
///
/// Taps: relu1_2, relu2_2, relu3_3, relu4_3, relu5_3. Features: 512 means. Taps need 16 pixels a side.
public final class VGG16: ConvolutionalTrunk, TappedNetwork {
    public var name: String { "vgg16" }

    public init() {
        var layers: [Layer] = []
        var inputs = 3
        for (outputs, count) in [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)] {
            for _ in 0..<count {
                layers += [Conv2d(inputs, outputs, kernel: 3, padding: 1), Activation.relu()]
                inputs = outputs
            }
            layers.append(MaxPool2d(2, stride: 2))
        }
        super.init(
            layers, tapIndices: [3, 8, 15, 22, 29], tapChannels: [64, 128, 256, 512, 512], featureCount: 512,
            normalization: .imageNet, side: 224)
    }
}
