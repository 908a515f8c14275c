import Foundation
import Settings

/// Moving average of the generator's weights (Karras et al. 2018).
public struct AverageSettings: SettingsGroup, Equatable {
    /// Thousands of images after which a weight's share has halved; 0 for no average.
    public var halfLifeKimg = 10.0
    /// While young, the half-life is at most this share of the images seen; 0 for no such limit.
    public var rampUp = 0.05

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.number(
            "halfLifeKimg", &halfLifeKimg, in: 0...1e6, "Thousands of images until a share halves; 0: off.")
        try v.number(
            "rampUp", &rampUp, in: 0...1, "Half-life is at most this share of the images seen; 0: no limit.")
    }

    /// What one step of `batchSize` images keeps of the average, after `images` images.
    public func decay(batchSize: Int, images: Int) -> Double {
        guard halfLifeKimg > 0 else { return 0 }
        var halfLife = halfLifeKimg * 1000
        if rampUp > 0 { halfLife = min(halfLife, Double(images) * rampUp) }
        return halfLife > 0 ? pow(0.5, Double(batchSize) / halfLife) : 0
    }
}
