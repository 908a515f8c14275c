import Metrics
import Models
import PretrainedWeights
import Torch
import TorchNN

/// A distance or likeness between a picture and the one that it should equal.
public struct PairMeasure {
    /// Such as `psnr-y`.
    public let name: String
    public let label: String
    /// Network behind it, or `pixels`.
    public let features: String
    public let isLowerBetter: Bool
    let notes: [String]
    let function: (Tensor, Tensor) -> Tensor

    /// Of pictures [N, 3, H, W] in -1...1 and as many others: [N].
    public func callAsFunction(_ images: Tensor, _ others: Tensor) -> Tensor { function(images, others) }

    /// All measures whose weights are on this machine, for pictures of one size.
    public static func available(side: Int, device: Device = .cpu) throws -> [PairMeasure] {
        try pixels(side: side) + [faces(device: device)] + perceptual(device: device)
            + identity(device: device)
    }

    private static func pixels(side: Int) -> [PairMeasure] {
        func measure(
            _ name: String, _ label: String, _ notes: [String] = [],
            _ function: @escaping (Tensor, Tensor) -> Tensor
        ) -> PairMeasure {
            PairMeasure(
                name: name, label: label, features: "pixels", isLowerBetter: false, notes: notes,
                function: function)
        }
        var measures = [
            measure("psnr", "PSNR, dB") { PairDistances.psnr($0, $1) },
            measure("psnr-y", "PSNR of luma, dB") { PairDistances.psnr($0, $1, channels: .luma) },
            measure("ssim", "SSIM") { PairDistances.ssim($0, $1) },
        ]
        let scales = PairDistances.msSSIMScales(height: side, width: side)
        if scales > 1 {
            let note = "\(scales) of five scales: the pictures are small, and only the same number compares"
            measures.append(
                measure("ms-ssim", "MS-SSIM", scales < 5 ? [note] : []) { PairDistances.msSSIM($0, $1) })
        }
        return measures
    }

    private static func faces(device: Device) throws -> PairMeasure {
        let judge = try FeatureExtractors.load("face", device: device)
        return PairMeasure(
            name: "distance-face", label: "face-feature distance",
            features: "\(judge.name) \(judge.digest.prefix(12))", isLowerBetter: true,
            notes: ["1 less the cosine of the features"]
        ) { a, b in 1 - cosine(judge(a).features, judge(b).features) }
    }

    private static func perceptual(device: Device) throws -> [PairMeasure] {
        FeatureNetworks.distanceNames.compactMap { name in
            guard let distance = try? FeatureNetworks.perceptualDistance(name) else { return nil }
            distance.move(to: device, format: .channelsLast)
            return PairMeasure(
                name: name, label: distance.name, features: name, isLowerBetter: true, notes: [],
                function: { distance($0, $1) })
        }
    }

    private static func identity(device: Device) throws -> [PairMeasure] {
        guard FeatureExtractors.isHere("mobilefacenet") else { return [] }
        let judge = try FeatureExtractors.load("mobilefacenet", device: device)
        return [
            PairMeasure(
                name: "identity", label: "identity similarity",
                features: "\(judge.name) \(judge.digest.prefix(12))", isLowerBetter: false,
                notes: ["cosine of MobileFaceNet's embeddings; it wants the face alone"]
            ) { a, b in cosine(judge(a).features, judge(b).features) }
        ]
    }

    /// Cosines [N] of rows [N, D].
    static func cosine(_ a: Tensor, _ b: Tensor) -> Tensor {
        (a * b).sum([1]) / (a.norm([1]) * b.norm([1])).clampedBelow(1e-12)
    }
}
