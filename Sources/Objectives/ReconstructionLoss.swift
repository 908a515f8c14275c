import Settings
import Torch

/// Distance of restored pictures from their targets: structural dissimilarity, squared and absolute differences.
public struct ReconstructionLoss: SettingsGroup, Equatable {
    /// Weight of (1 - SSIM) / 2 (Wang et al. 2004).
    public var dissimilarity = 0.0
    /// Weight of the mean squared difference of levels in 0...1.
    public var squared = 0.0
    /// Weight of the mean absolute difference of levels in 0...1.
    public var absolute = 0.0

    /// Creates a loss that is off.
    public init() {}

    /// Creates a loss from the weights of its terms.
    public init(dissimilarity: Double = 0, squared: Double = 0, absolute: Double = 0) {
        (self.dissimilarity, self.squared, self.absolute) = (dissimilarity, squared, absolute)
    }

    /// Visits the fields.
    /// - Throws: errors of the visitor; throws no others.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.number(
            "dissimilarity", &dissimilarity, in: 0...1e6,
            "Weight of (1 - SSIM) / 2, with a window proportional to the side.")
        try v.number(
            "squared", &squared, in: 0...1e6, "Weight of the mean squared difference of levels in 0...1.")
        try v.number(
            "absolute", &absolute, in: 0...1e6, "Weight of the mean absolute difference of levels in 0...1.")
    }

    /// Whether any term has a positive weight.
    public var isOn: Bool { dissimilarity > 0 || squared > 0 || absolute > 0 }

    /// Weighted sum of the terms.
    /// - Parameters:
    ///   - images: restored pictures, [N, 3, H, W] in -1...1.
    ///   - target: target pictures of the same shape and range. They are detached.
    /// - Returns: [].
    public func callAsFunction(_ images: Tensor, target: Tensor) -> Tensor {
        let (x, y) = (images.atLeastSingle() * 0.5 + 0.5, target.detached().atLeastSingle() * 0.5 + 0.5)
        var loss: Tensor?
        func add(_ term: Tensor, _ weight: Double) {
            let term = term * weight
            loss = loss.map { $0 + term } ?? term
        }
        if dissimilarity > 0 { add(Self.dissimilarity(x, y), dissimilarity) }
        if squared > 0 { add(x.meanSquaredError(y), squared) }
        if absolute > 0 { add(x.meanAbsoluteError(y), absolute) }
        return loss ?? Tensor.zeros([], on: images.device)
    }

    /// Side of the SSIM window for pictures of a side: 11 at 128, as in DeepFaceLab, and at least 3 pixels.
    public static func window(side: Int) -> Int { max(3, Int(Double(side) / 11.6)) }

    /// (1 - SSIM) / 2 of pictures [N, 3, H, W] in 0...1, []. For sides of 256 and more, the mean of two windows, one
    /// twice as large as the other.
    public static func dissimilarity(_ x: Tensor, _ y: Tensor) -> Tensor {
        let side = x.shape[2]
        let windows = side < 256 ? [window(side: side)] : [window(side: side), window(side: side / 2)]
        let parts = windows.map { (1 - x.structuralSimilarity(to: y, window: $0).similarity.mean()) * 0.5 }
        return parts.dropFirst().reduce(parts[0]) { $0 + $1 } / Double(parts.count)
    }
}
