import Torch
import TorchNN

/// Inception-v3 (Szegedy et al. 2016): 2,048 features, and logits for the Inception score.
///
/// FID is the Fréchet distance on the features of the edition `.fid` and no other. Keys are torchvision's.
public final class Inception: Module, FeatureNetwork {
    /// Whose weights, and which details of the network go with them.
    public enum Edition: Sendable {
        /// The TensorFlow graph of 2015-12-05 that FID, KID and the Inception score are defined on; 1,008 logits. Means leave
        /// the padding out, and the last block takes maxima where the others take means.
        case fid
        /// torchvision's `inception_v3`; 1,000 logits. Numbers on it are not FID.
        case torchvision
    }

    /// How pictures become 299 x 299; the features differ in the third digit.
    public enum Resize: Sendable {
        /// Bilinear, pixel centers aligned, without antialiasing, as in pytorch-fid.
        case pytorchFID
        /// Rounded to bytes, then bilinear with the upper left corners aligned, as TensorFlow 1 and torch-fidelity do; no
        /// gradient.
        case torchFidelity
        /// Bilinear, antialiased, as torchvision's transforms.
        case torchvision
    }

    public let edition: Edition
    public let resize: Resize
    public let featureCount = 2048
    private let layers: [(key: String, layer: Layer)]
    private let fc: Linear
    /// The second classifier, which only training uses.
    private let auxiliary: [(key: String, part: Part)]
    private static let side = 299

    public var name: String {
        switch (edition, resize) {
        case (.fid, .pytorchFID): "inception-pytorch-fid"
        case (.fid, .torchFidelity): "inception-torch-fidelity"
        case (.fid, .torchvision): "inception-antialiased"
        case (.torchvision, _): "inception-torchvision"
        }
    }

    /// - Parameter resize: the default is pytorch-fid's, or torchvision's own for its edition.
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

    public override var parts: [(key: String, part: Part)] {
        let named = layers.filter { !$0.key.isEmpty }.map { (key: $0.key, part: Part.module($0.layer)) }
        let end = named.firstIndex { $0.key == "Mixed_7a" } ?? named.endIndex
        return named[..<end] + auxiliary + named[end...] + [("fc", .module(fc))]
    }

    /// [N, 3, H, W] in -1...1, any size, float32, to [N, 2048].
    public func features(_ images: Tensor) -> Tensor {
        layers.reduce(resized(images)) { $1.layer($0) }.mean([2, 3])
    }

    /// Logits [N, 1008] of features [N, 2048].
    /// - Parameter biased: the Inception score takes them without the bias, as the graph of its authors does.
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
    /// Bilinear as in TensorFlow 1: new pixel i lies at i * size / side of the old ones, whatever their centers.
    fileprivate func cornerBilinear(side: Int) -> Tensor {
        let (rows, columns) = (corners(2, side), corners(3, side))
        func along(_ row: Tensor) -> Tensor {
            let left = row.indexSelect(3, columns.low)
            return left + (row.indexSelect(3, columns.high) - left) * columns.share.reshape([1, 1, 1, side])
        }
        let top = along(indexSelect(2, rows.low))
        return top + (along(indexSelect(2, rows.high)) - top) * rows.share.reshape([1, 1, side, 1])
    }

    /// For each new pixel of a dimension the two old ones around it, and the share of the second.
    private func corners(_ dimension: Int, _ side: Int) -> (low: Tensor, high: Tensor, share: Tensor) {
        let size = shape[dimension]
        // In float32, as TensorFlow has it.
        let places = (0..<side).map { Float($0) * Float(Double(size) / Double(side)) }
        let low = places.map { Int($0) }
        return (
            Tensor(low).to(device), Tensor(low.map { Swift.min($0 + 1, size - 1) }).to(device),
            Tensor(zip(places, low).map { $0 - Float($1) }).to(device)
        )
    }
}
