import Torch
import TorchNN

/// Inception-v3 (Szegedy et al. 2016): 2,048 features, and logits for the Inception score. Keys are those of
/// torchvision.
///
/// FID is defined as the Fréchet distance on the features of the edition `.fid`.
public final class Inception: Module, FeatureNetwork {
    /// Source of the weights, which determines details of the network.
    public enum Edition: Sendable {
        /// TensorFlow graph of 2015-12-05 on which FID, KID and the Inception score are defined; 1,008 logits.
        /// Average pooling excludes the padding, and the last block has max pooling.
        case fid
        /// `inception_v3` of torchvision; 1,000 logits. Scores on it are not FID.
        case torchvision
    }

    /// Resizing of pictures to 299 x 299. The choice changes the third digit of the features.
    public enum Resize: Sendable {
        /// Bilinear, aligned pixel centers, without antialiasing, as in pytorch-fid.
        case pytorchFID
        /// Rounded to bytes, then bilinear with aligned upper left corners, as in TensorFlow 1 and torch-fidelity.
        /// Has no gradient.
        case torchFidelity
        /// Bilinear with antialiasing, as in the transforms of torchvision.
        case torchvision
    }

    /// Source of the weights.
    public let edition: Edition
    /// Resizing of the input.
    public let resize: Resize
    /// Length of a feature vector: 2,048.
    public let featureCount = 2048
    private let layers: [(key: String, layer: Layer)]
    private let fc: Linear
    /// Auxiliary classifier, which only training uses.
    private let auxiliary: [(key: String, part: Part)]
    private static let side = 299

    /// Name of the features, by edition and resizing.
    public var name: String {
        switch (edition, resize) {
        case (.fid, .pytorchFID): "inception-pytorch-fid"
        case (.fid, .torchFidelity): "inception-torch-fidelity"
        case (.fid, .torchvision): "inception-antialiased"
        case (.torchvision, _): "inception-torchvision"
        }
    }

    /// Creates the network with uninitialized weights.
    /// - Parameters:
    ///   - edition: source of the weights.
    ///   - resize: resizing of the input; nil for that of pytorch-fid or, for the edition `.torchvision`, of
    ///     torchvision.
    public init(_ edition: Edition = .fid, resize: Resize? = nil) {
        self.edition = edition
        self.resize = resize ?? (edition == .fid ? .pytorchFID : .torchvision)
        fc = Linear(2048, edition == .fid ? 1008 : 1000)
        layers = InceptionBlock.network(edition)
        auxiliary = edition == .fid ? [] : InceptionBlock.auxiliaryClassifier
        super.init()
        train(false)
        freeze()
    }

    /// Layers under the keys of torchvision.
    public override var parts: [(key: String, part: Part)] {
        let named = layers.filter { !$0.key.isEmpty }.map { (key: $0.key, part: Part.module($0.layer)) }
        let end = named.firstIndex { $0.key == "Mixed_7a" } ?? named.endIndex
        return named[..<end] + auxiliary + named[end...] + [("fc", .module(fc))]
    }

    /// Computes features [N, 2048] of pictures [N, 3, H, W] in -1...1, any size, float32.
    public func features(_ images: Tensor) -> Tensor {
        layers.reduce(resized(images)) { $1.layer($0) }.mean([2, 3])
    }

    /// Logits [N, 1008] or [N, 1000] of features [N, 2048].
    /// - Parameters:
    ///   - features: features [N, 2048].
    ///   - biased: whether the bias is added. The Inception score omits it, as the graph of its authors does.
    public func logits(of features: Tensor, biased: Bool = false) -> Tensor {
        features.linear(weight: fc.weight.value, bias: biased ? fc.bias?.value : nil)
    }

    private func resized(_ images: Tensor) -> Tensor {
        switch resize {
        case .pytorchFID: images.upsampledBilinear(height: Self.side, width: Self.side)
        case .torchvision: images.resized(toSide: Self.side)
        case .torchFidelity:
            (images.levels.round().clamped(0...255).cornerBilinear(side: Self.side) - 128) / 128
        }
    }
}

extension Tensor {
    /// Bilinear resizing of TensorFlow 1, [N, C, H, W] to [N, C, side, side]: new pixel i is at i * size / side.
    fileprivate func cornerBilinear(side: Int) -> Tensor {
        let (rows, columns) = (corners(2, side), corners(3, side))
        func along(_ row: Tensor) -> Tensor {
            let left = row.indexSelect(3, columns.low)
            return left + (row.indexSelect(3, columns.high) - left) * columns.weight.reshape([1, 1, 1, side])
        }
        let top = along(indexSelect(2, rows.low))
        return top + (along(indexSelect(2, rows.high)) - top) * rows.weight.reshape([1, 1, side, 1])
    }

    /// Indices of the two neighbors of each new pixel along a dimension, and the weight of the second: [side] each.
    private func corners(_ dimension: Int, _ side: Int) -> (low: Tensor, high: Tensor, weight: Tensor) {
        let size = shape[dimension]
        // float32, as in TensorFlow.
        let positions = (0..<side).map { Float($0) * Float(Double(size) / Double(side)) }
        let low = positions.map { Int($0) }
        return (
            Tensor(low).to(device), Tensor(low.map { Swift.min($0 + 1, size - 1) }).to(device),
            Tensor(zip(positions, low).map { $0 - Float($1) }).to(device)
        )
    }
}
