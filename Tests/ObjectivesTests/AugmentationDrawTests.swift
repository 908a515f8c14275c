import Foundation
import Objectives
import Settings
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

    private static func constant(_ probability: Double) -> Tensor {
        Tensor(doubles: [probability], shape: [])
    }

    @Test func adaDrawsTheDistributionsOfThePaper() {
        var settings = AugmentSettings(.ada)
        (settings.filter, settings.corruption) = (1, 0.5)
        let draws = AugmentationDraws(pictures: Self.count, random: RandomSource(seed: 21), on: .cpu)
        let parameters = ADA(settings).parameters(
            draws, probability: Self.constant(Self.probability), of: Self.size)
        let columns = Dictionary(
            uniqueKeysWithValues: ADAParameter.allCases.map { ($0, parameters[$0].doubles()) })
        let p = Self.probability
        func column(_ parameter: ADAParameter) -> [Double] { columns[parameter]! }
        func changed(_ parameter: ADAParameter) -> [Double] {
            column(parameter).filter { $0 != parameter.identity }
        }
        func count(_ parameter: ADAParameter, is value: Double) -> Int {
            column(parameter).filter { $0 == value }.count
        }
        func countAny(_ parameters: ADAParameter...) -> Int {
            (0..<Self.count).filter { picture in
                parameters.contains { columns[$0]![picture] != $0.identity }
            }.count
        }

        expectFraction(count(.mirrored, is: 1), is: p / 2, "mirrored")
        for turns in 1...3 {
            expectFraction(count(.quarterTurns, is: Double(turns)), is: p / 4, "turned")
        }
        // Translations that round to 0.
        let unchanged = 1 / 16.0 / 12
        expectFraction(countAny(.shiftX, .shiftY), is: p * (1 - unchanged), "shifted")
        #expect(column(.shiftX).allSatisfy { abs($0) <= 8 } && column(.shiftY).allSatisfy { abs($0) <= 6 })
        #expect(column(.shiftX).contains(-7) && column(.shiftX).contains(7))
        #expect((column(.shiftX) + column(.shiftY)).allSatisfy { $0 == $0.rounded() })

        expectFraction(countAny(.scale), is: p, "scaled")
        expectFraction(countAny(.rotationBefore, .rotationAfter), is: p, "rotated")
        expectFraction(countAny(.stretch), is: p, "stretched")
        expectFraction(countAny(.moveX), is: p, "moved")
        func octaves(_ parameter: ADAParameter) -> [Double] { changed(parameter).map { log2($0) } }
        expectDeviation(octaves(.scale), is: 0.2, "scale")
        expectDeviation(octaves(.stretch), is: 0.2, "stretch")
        expectDeviation(changed(.moveX), is: 8, "move")
        expectDeviation(changed(.moveY), is: 6, "move")
        // Uniform in -π...π.
        expectDeviation(changed(.rotationBefore), is: .pi / 3.0.squareRoot(), "turn")

        expectFraction(countAny(.brightness), is: p, "brightened")
        expectFraction(countAny(.contrast), is: p, "contrast")
        expectFraction(count(.lumaFlipped, is: 1), is: p / 2, "luma")
        expectFraction(countAny(.hue), is: p, "hue")
        expectFraction(countAny(.saturation), is: p, "saturation")
        expectDeviation(changed(.brightness), is: 0.2, "brightness")
        expectDeviation(octaves(.contrast), is: 0.5, "contrast")
        expectDeviation(octaves(.saturation), is: 1, "saturation")
        expectDeviation(changed(.hue), is: .pi / 3.0.squareRoot(), "hue")

        let anyBand = 1 - 0.7 * 0.7 * 0.7 * 0.7
        expectFraction(countAny(.band0, .band1, .band2, .band3), is: anyBand, "filtered")
        expectFraction(countAny(.noise), is: p / 2, "noisy")
        expectFraction(countAny(.right, .bottom), is: p / 2, "cut")
        expectDeviation(changed(.noise), is: 0.1, "noise")
        for picture in 0..<Self.count where column(.right)[picture] != column(.left)[picture] {
            #expect(31...33 ~= column(.right)[picture] - column(.left)[picture])
            #expect(23...25 ~= column(.bottom)[picture] - column(.top)[picture])
        }
    }

    /// Tensor operations give the parameters that scalar arithmetic on the same random values gives.
    @Test(arguments: [0, 0.3, 0.8, 1]) func adaParametersEqualScalarArithmetic(_ probability: Double) {
        var settings = AugmentSettings(.ada)
        (settings.blit, settings.color, settings.filter, settings.corruption) = (0.9, 0.7, 1, 0.5)
        let draws = AugmentationDraws(pictures: 200, random: RandomSource(seed: 23), on: .cpu)
        let ada = ADA(settings)
        // A plan belongs to one size.
        for size in [Self.size, PictureSize(width: 9, height: 31)] {
            let found = ada.parameters(draws, probability: Self.constant(probability), of: size)
            let expected = (0..<200).map {
                Reference.ada(
                    ReferenceDraws(draws, picture: $0), settings, probability: probability, of: size)
            }
            let table = ParameterTable(pictures: expected)
            #expect((found.values - table.values).abs().max().item() < 1e-12)
            let maps = ReferenceMap.tensor(expected.map { Reference.map($0).inverse })
            #expect((ada.maps(found) - maps).abs().max().item() < 1e-11)
        }
    }

    @Test(arguments: [0.4, 1]) func diffAugmentParametersEqualScalarArithmetic(_ probability: Double) {
        var settings = AugmentSettings(.diffaugment)
        settings.probability = Scheduled(probability)
        let draws = AugmentationDraws(pictures: 200, random: RandomSource(seed: 24), on: .cpu)
        for part in [\AugmentSettings.recolor, \.translate, \.cutOut] {
            settings[keyPath: part] = false
            let augment = DiffAugment(settings)
            for size in [Self.size, PictureSize(width: 9, height: 31)] {
                let found = augment.parameters(draws, probability: Self.constant(probability), of: size)
                let expected = ParameterTable(
                    pictures: (0..<200).map {
                        Reference.diffAugment(ReferenceDraws(draws, picture: $0), settings, of: size)
                    })
                #expect((found.values - expected.values).abs().max().item() < 1e-12)
            }
            settings[keyPath: part] = true
        }
    }

    @Test func diffAugmentDrawsTheDistributionsOfThePaper() {
        var settings = AugmentSettings(.diffaugment)
        let draws = AugmentationDraws(pictures: Self.count, random: RandomSource(seed: 22), on: .cpu)
        let parameters = DiffAugment(settings).parameters(
            draws, probability: Self.constant(0.25), of: Self.size)
        let identity = DiffAugmentParameter.allCases.map(\.identity)
        let all = (0..<Self.count).map { parameters.values[$0].doubles() }
        let changed = all.filter { $0 != identity }
        expectFraction(changed.count, is: 0.25, "changed")
        func column(_ parameter: DiffAugmentParameter) -> [Double] { changed.map { $0[parameter.rawValue] } }
        #expect(zip(column(.left), column(.right)).allSatisfy { $1 - $0 == 32 })
        #expect(zip(column(.top), column(.bottom)).allSatisfy { $1 - $0 == 24 })
        #expect(Set(column(.shiftX)) == Set((-8...8).map(Double.init)))
        #expect(Set(column(.shiftY)) == Set((-6...6).map(Double.init)))
        func expectUniform(_ values: [Double], in range: ClosedRange<Double>) {
            #expect(values.allSatisfy(range.contains))
            let width = range.upperBound - range.lowerBound
            #expect(values.min()! < range.lowerBound + 0.05 * width)
            #expect(values.max()! > range.upperBound - 0.05 * width)
        }
        expectUniform(column(.brightness), in: -0.5...0.5)
        expectUniform(column(.saturation), in: 0...2)
        expectUniform(column(.contrast), in: 0.5...1.5)
        expectUniform(column(.left), in: -16...48)

        (settings.recolor, settings.cutOut) = (false, false)
        let moved = DiffAugment(settings).parameters(draws, probability: Self.constant(1), of: Self.size)
        for parameter in DiffAugmentParameter.allCases where ![.shiftX, .shiftY].contains(parameter) {
            #expect(moved[parameter].doubles().allSatisfy { $0 == parameter.identity })
        }
    }
}
