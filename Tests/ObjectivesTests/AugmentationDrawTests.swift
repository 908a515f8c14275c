import Foundation
import Objectives
import Testing
import Torch

/// Distributions of the random parameters of the augmentation.
@Suite struct AugmentationDrawTests {
    private static let count = 4000
    private static let size = PictureSize(width: 64, height: 48)
    private static let probability = 0.3

    /// Expects a fraction of `count` draws, within 4.5 standard deviations.
    private func expectFraction(
        _ found: Int, is fraction: Double, _ what: String, _ location: SourceLocation = #_sourceLocation
    ) {
        let deviation = (Double(Self.count) * fraction * (1 - fraction)).squareRoot()
        let expected = Double(Self.count) * fraction
        #expect(
            abs(Double(found) - expected) < 4.5 * deviation, "\(what): \(found), expected \(expected)",
            sourceLocation: location)
    }

    /// Expects a root mean square of the values, within 10 %.
    private func expectDeviation(
        _ values: [Double], is deviation: Double, _ what: String,
        _ location: SourceLocation = #_sourceLocation
    ) {
        let spread = (values.reduce(0) { $0 + $1 * $1 } / Double(values.count)).squareRoot()
        #expect(abs(spread / deviation - 1) < 0.1, "\(what): \(spread)", sourceLocation: location)
    }

    @Test func adaDrawsTheDistributionsOfThePaper() {
        var settings = AugmentSettings(.ada)
        (settings.filter, settings.corruption) = (1, 0.5)
        let draws = AugmentationDraws(pictures: Self.count, random: RandomSource(seed: 21))
        let changes = (0..<Self.count).map {
            ADAParameters(draws: draws[$0], settings, probability: Self.probability, of: Self.size)
        }
        let p = Self.probability
        func count(_ is_: (ADAParameters) -> Bool) -> Int { changes.filter(is_).count }

        expectFraction(count { $0.geometry.isMirrored }, is: p / 2, "mirrored")
        for turns in 1...3 {
            expectFraction(count { $0.geometry.quarterTurns == turns }, is: p / 4, "turned")
        }
        // Translations that round to 0.
        let unchanged = 1 / 16.0 / 12
        expectFraction(
            count { $0.geometry.shiftX != 0 || $0.geometry.shiftY != 0 }, is: p * (1 - unchanged), "shifted")
        #expect(changes.allSatisfy { abs($0.geometry.shiftX) <= 8 && abs($0.geometry.shiftY) <= 6 })
        #expect(changes.contains { $0.geometry.shiftX == -7 } && changes.contains { $0.geometry.shiftX == 7 })

        expectFraction(count { $0.geometry.scale != 1 }, is: p, "scaled")
        expectFraction(
            count { $0.geometry.rotationBefore != 0 || $0.geometry.rotationAfter != 0 }, is: p, "rotated")
        expectFraction(count { $0.geometry.stretch != 1 }, is: p, "stretched")
        expectFraction(count { $0.geometry.moveX != 0 }, is: p, "moved")
        func octaves(_ values: [Double]) -> [Double] { values.filter { $0 != 1 }.map { log2($0) } }
        expectDeviation(octaves(changes.map(\.geometry.scale)), is: 0.2, "scale")
        expectDeviation(octaves(changes.map(\.geometry.stretch)), is: 0.2, "stretch")
        expectDeviation(changes.map(\.geometry.moveX).filter { $0 != 0 }, is: 8, "move")
        expectDeviation(changes.map(\.geometry.moveY).filter { $0 != 0 }, is: 6, "move")
        // Uniform in -π...π.
        expectDeviation(
            changes.map(\.geometry.rotationBefore).filter { $0 != 0 }, is: .pi / 3.0.squareRoot(), "turn")

        expectFraction(count { $0.color.brightness != 0 }, is: p, "brightened")
        expectFraction(count { $0.color.contrast != 1 }, is: p, "contrast")
        expectFraction(count { $0.color.isLumaFlipped }, is: p / 2, "luma")
        expectFraction(count { $0.color.hue != 0 }, is: p, "hue")
        expectFraction(count { $0.color.saturation != 1 }, is: p, "saturation")
        expectDeviation(changes.map(\.color.brightness).filter { $0 != 0 }, is: 0.2, "brightness")
        expectDeviation(octaves(changes.map(\.color.contrast)), is: 0.5, "contrast")
        expectDeviation(octaves(changes.map(\.color.saturation)), is: 1, "saturation")
        expectDeviation(changes.map(\.color.hue).filter { $0 != 0 }, is: .pi / 3.0.squareRoot(), "hue")

        expectFraction(count { $0.gains != [1, 1, 1, 1] }, is: 1 - 0.7 * 0.7 * 0.7 * 0.7, "filtered")
        expectFraction(count { $0.noise > 0 }, is: p / 2, "noisy")
        expectFraction(count { $0.cutout != nil }, is: p / 2, "cut")
        expectDeviation(changes.map(\.noise).filter { $0 != 0 }, is: 0.1, "noise")
        for rectangle in changes.compactMap({ $0.cutout }) {
            #expect(31...33 ~= rectangle.columns.count && 23...25 ~= rectangle.rows.count)
        }
    }

    @Test func diffAugmentDrawsTheDistributionsOfThePaper() {
        var settings = AugmentSettings(.diffaugment)
        settings.probability = 0.25
        let draws = AugmentationDraws(pictures: Self.count, random: RandomSource(seed: 22))
        let all = (0..<Self.count).map { DiffAugmentParameters(draws: draws[$0], settings, of: Self.size) }
        let changed = all.filter { $0 != DiffAugmentParameters() }
        expectFraction(changed.count, is: 0.25, "changed")
        for change in changed {
            #expect(change.cutout?.columns.count == 32 && change.cutout?.rows.count == 24)
        }
        #expect(Set(changed.map { $0.shiftX }) == Set(-8...8))
        #expect(Set(changed.map { $0.shiftY }) == Set(-6...6))
        func expectUniform(_ values: [Double], in range: ClosedRange<Double>) {
            #expect(values.allSatisfy(range.contains))
            let width = range.upperBound - range.lowerBound
            #expect(values.min()! < range.lowerBound + 0.05 * width)
            #expect(values.max()! > range.upperBound - 0.05 * width)
        }
        expectUniform(changed.map(\.brightness), in: -0.5...0.5)
        expectUniform(changed.map(\.saturation), in: 0...2)
        expectUniform(changed.map(\.contrast), in: 0.5...1.5)
        expectUniform(changed.map { Double($0.cutout!.columns.lowerBound) }, in: -16...48)

        (settings.probability, settings.recolor, settings.cutOut) = (1, false, false)
        let moved = DiffAugmentParameters(draws: draws[0], settings, of: Self.size)
        #expect(moved.brightness == 0 && moved.saturation == 1 && moved.contrast == 1 && moved.cutout == nil)
    }
}
