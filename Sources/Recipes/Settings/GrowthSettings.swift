import Models
import Settings

/// How networks grow over a run (Karras et al. 2018, appendix A): a side is trained, then the next one fades in over it.
public struct GrowthSettings: SettingsGroup, Equatable {
    /// Side of the first pictures.
    public var startSide = 4
    /// Thousands of images that a side is trained before the next begins.
    public var stableKimg = 600.0
    /// Thousands of images over which a side fades in.
    public var fadeKimg = 600.0
    /// Batch sizes of the sides from `startSide` on; the last serves the larger ones, and an empty list means the recipe's.
    public var batchSizes: [Int] = []
    /// Whether optimizers forget when layers begin to fade in and when they have.
    public var resetsOptimizers = true

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.integer("startSide", &startSide, in: 4...1024, "Side of the first pictures.")
        try v.check(startSide.nonzeroBitCount == 1, "startSide", "a power of two")
        try v.number("stableKimg", &stableKimg, in: 0...1e6, "Thousands of images at a side by itself.")
        try v.number("fadeKimg", &fadeKimg, in: 0...1e6, "Thousands of images while a side fades in.")
        try v.integers(
            "batchSizes", &batchSizes, in: 2...65536,
            "Batches of the sides from startSide on; the last serves larger ones; []: batchSize.")
        try v.flag("resetsOptimizers", &resetsOptimizers, "Optimizers forget when a fade begins and ends.")
    }

    /// Where the networks stand after so many images.
    public func growth(images: Int, resolution: Int) -> Growth {
        let phase = (stableKimg + fadeKimg) * 1000
        let levels = max(0, resolution.trailingZeroBitCount - startSide.trailingZeroBitCount)
        let reached = phase > 0 ? Int(min(Double(images) / phase, Double(levels))) : levels
        guard reached < levels else { return Growth(side: resolution) }
        let rest = Double(images) - Double(reached) * phase - stableKimg * 1000
        let side = startSide << reached
        return rest < 0 ? Growth(side: side) : Growth(side: 2 * side, alpha: min(1, rest / (fadeKimg * 1000)))
    }

    /// Images after which nothing grows any more, in thousands.
    public func endKimg(resolution: Int) -> Double {
        Double(max(0, resolution.trailingZeroBitCount - startSide.trailingZeroBitCount))
            * (stableKimg + fadeKimg)
    }

    /// Pictures in a step at a side.
    public func batchSize(side: Int, otherwise: Int) -> Int {
        guard !batchSizes.isEmpty else { return otherwise }
        let level = max(0, side.trailingZeroBitCount - startSide.trailingZeroBitCount)
        return batchSizes[min(level, batchSizes.count - 1)]
    }
}
