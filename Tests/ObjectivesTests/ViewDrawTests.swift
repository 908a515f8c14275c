import Foundation
import Objectives
import Testing
import Torch

/// What is drawn for many pictures.
@Suite struct ViewDrawTests {
    private static let count = 4000
    private static let size = PictureSize(width: 64, height: 48)
    private static let probability = 0.3

    /// Within 4.5 standard deviations of a share of `count` draws.
    private func expectShare(
        _ found: Int, is share: Double, _ what: String, _ location: SourceLocation = #_sourceLocation
    ) {
        let deviation = (Double(Self.count) * share * (1 - share)).squareRoot()
        let expected = Double(Self.count) * share
        #expect(
            abs(Double(found) - expected) < 4.5 * deviation, "\(what): \(found), expected \(expected)",
            sourceLocation: location)
    }

    /// Values that are not `none` have this spread, to a tenth.
    private func expectDeviation(
        _ values: [Double], is deviation: Double, _ what: String,
        _ location: SourceLocation = #_sourceLocation
    ) {
        let spread = (values.reduce(0) { $0 + $1 * $1 } / Double(values.count)).squareRoot()
        #expect(abs(spread / deviation - 1) < 0.1, "\(what): \(spread)", sourceLocation: location)
    }

    @Test func adaDrawsAsThePaperSays() {
        var settings = AugmentSettings(.ada)
        (settings.filter, settings.corruption) = (1, 0.5)
        let draws = ViewDraws(pictures: Self.count, random: RandomSource(seed: 21))
        let changes = (0..<Self.count).map {
            AdaptiveChange(drawn: draws[$0], settings, probability: Self.probability, of: Self.size)
        }
        let p = Self.probability
        func count(_ is_: (AdaptiveChange) -> Bool) -> Int { changes.filter(is_).count }

        expectShare(count { $0.geometry.isMirrored }, is: p / 2, "mirrored")
        for turns in 1...3 { expectShare(count { $0.geometry.quarterTurns == turns }, is: p / 4, "turned") }
        // A shift that rounds to nothing is none.
        let still = 1 / 16.0 / 12
        expectShare(
            count { $0.geometry.shiftX != 0 || $0.geometry.shiftY != 0 }, is: p * (1 - still), "shifted")
        #expect(changes.allSatisfy { abs($0.geometry.shiftX) <= 8 && abs($0.geometry.shiftY) <= 6 })
        #expect(changes.contains { $0.geometry.shiftX == -7 } && changes.contains { $0.geometry.shiftX == 7 })

        expectShare(count { $0.geometry.scale != 1 }, is: p, "scaled")
        expectShare(count { $0.geometry.turnBefore != 0 || $0.geometry.turnAfter != 0 }, is: p, "rotated")
        expectShare(count { $0.geometry.stretch != 1 }, is: p, "stretched")
        expectShare(count { $0.geometry.moveX != 0 }, is: p, "moved")
        func octaves(_ values: [Double]) -> [Double] { values.filter { $0 != 1 }.map { log2($0) } }
        expectDeviation(octaves(changes.map(\.geometry.scale)), is: 0.2, "scale")
        expectDeviation(octaves(changes.map(\.geometry.stretch)), is: 0.2, "stretch")
        expectDeviation(changes.map(\.geometry.moveX).filter { $0 != 0 }, is: 8, "move")
        expectDeviation(changes.map(\.geometry.moveY).filter { $0 != 0 }, is: 6, "move")
        // Uniform in -π...π.
        expectDeviation(
            changes.map(\.geometry.turnBefore).filter { $0 != 0 }, is: .pi / 3.0.squareRoot(), "turn")

        expectShare(count { $0.color.brightness != 0 }, is: p, "brightened")
        expectShare(count { $0.color.contrast != 1 }, is: p, "contrast")
        expectShare(count { $0.color.isLumaFlipped }, is: p / 2, "luma")
        expectShare(count { $0.color.hue != 0 }, is: p, "hue")
        expectShare(count { $0.color.saturation != 1 }, is: p, "saturation")
        expectDeviation(changes.map(\.color.brightness).filter { $0 != 0 }, is: 0.2, "brightness")
        expectDeviation(octaves(changes.map(\.color.contrast)), is: 0.5, "contrast")
        expectDeviation(octaves(changes.map(\.color.saturation)), is: 1, "saturation")
        expectDeviation(changes.map(\.color.hue).filter { $0 != 0 }, is: .pi / 3.0.squareRoot(), "hue")

        expectShare(count { $0.gains != [1, 1, 1, 1] }, is: 1 - 0.7 * 0.7 * 0.7 * 0.7, "filtered")
        expectShare(count { $0.noise > 0 }, is: p / 2, "noisy")
        expectShare(count { $0.hole != nil }, is: p / 2, "cut")
        expectDeviation(changes.map(\.noise).filter { $0 != 0 }, is: 0.1, "noise")
        for hole in changes.compactMap({ $0.hole }) {
            #expect(31...33 ~= hole.columns.count && 23...25 ~= hole.rows.count)
        }
    }

    @Test func diffaugmentDrawsAsThePaperSays() {
        var settings = AugmentSettings(.diffaugment)
        settings.probability = 0.25
        let draws = ViewDraws(pictures: Self.count, random: RandomSource(seed: 22))
        let all = (0..<Self.count).map { DiffAugmentChange(drawn: draws[$0], settings, of: Self.size) }
        let changed = all.filter { $0 != DiffAugmentChange() }
        expectShare(changed.count, is: 0.25, "changed")
        for change in changed {
            #expect(change.hole?.columns.count == 32 && change.hole?.rows.count == 24)
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
        expectUniform(changed.map { Double($0.hole!.columns.lowerBound) }, in: -16...48)

        (settings.probability, settings.recolor, settings.cutOut) = (1, false, false)
        let moved = DiffAugmentChange(drawn: draws[0], settings, of: Self.size)
        #expect(moved.brightness == 0 && moved.saturation == 1 && moved.contrast == 1 && moved.hole == nil)
    }
}
