import Objectives
import TestSupport
import Testing
import Torch

/// Each operation of the augmentation, with given parameters, against make_view.py.
@Suite struct AugmentationOperationTests {
    private let golden: [String: Tensor]

    init() throws {
        let read = try TensorFile.read(goldens("Objectives/view.safetensors")).tensors
        golden = Dictionary(uniqueKeysWithValues: read.map { ($0.name, $0.tensor) })
    }

    private func given(_ name: String) throws -> Tensor {
        try #require(golden[name], "\(name) is missing in the golden")
    }

    /// One list of numbers per picture.
    private func rows(_ name: String) throws -> [[Double]] {
        let table = try given(name)
        return (0..<table.shape[0]).map { table[$0].doubles() }
    }

    private func expect(
        _ value: Tensor, is name: String, within tolerance: Double = 1e-12,
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        let expected = try given(name)
        try #require(value.shape == expected.shape, sourceLocation: location)
        let difference = (value.to(.float64) - expected).abs().max().item()
        #expect(difference < tolerance, "\(name) differs by \(difference)", sourceLocation: location)
    }

    @Test func filtersEqualPyWavelets() throws {
        try expect(Tensor(doubles: Warp.sym6), is: "sym6", within: 1e-15)
        try expect(Tensor(doubles: FrequencyBands.taps.flatMap { $0 }, shape: [4, 43]), is: "bands")
        let factors = Tensor(doubles: [0.6, 1, 1.7, 1, 1, 1, 1, 1], shape: [2, 4])
        let gains = FrequencyBands().gains(factors)
        try expect(gains[0], is: "amplified")
        #expect(gains[1].doubles() == [1, 1, 1, 1])
    }

    @Test func geometryComposesToOneMap() throws {
        try expect(maps(), is: "geometry")
    }

    private func maps() throws -> Tensor {
        let parameters = ParameterTable(
            rows: try rows("geometry.parameters"),
            [
                ADAParameter.mirrored, .quarterTurns, .shiftX, .shiftY, .scale, .rotationBefore, .stretch,
                .rotationAfter, .moveX, .moveY,
            ])
        return ADA(AugmentSettings(.ada)).maps(parameters)
    }

    @Test(arguments: [
        ("oversampled", true, Warp.Padding.reflection), ("mirrored", false, .reflection),
        ("zeros", false, .zeros),
    ])
    func warpsEqualSciPyAndPyTorch(name: String, isOversampled: Bool, padding: Warp.Padding) throws {
        let (images, maps) = (try given("images"), try maps())
        let warp = Warp(isOversampled: isOversampled, padding: padding)
        for resample in [warp.fused, warp.composed] {
            try expect(resample(images, maps), is: name)
            for format in [MemoryFormat.contiguous, .channelsLast] {
                let singles = images.to(.float32).to(format)
                let warped = resample(singles, maps)
                #expect(warped.dtype == .float32)
                try expect(warped, is: name, within: 3e-6)
            }
        }
    }

    /// Upsampling followed by downsampling is the identity, because the filter is orthogonal to its even shifts.
    @Test func identityMapsChangeNothing() throws {
        let images = try given("images")
        let none = ReferenceMap.tensor([ReferenceMap](repeating: ReferenceMap(), count: 3))
        try expect(
            Warp(isOversampled: true, padding: .reflection)(images, none), is: "images", within: 1e-10)
        let blit = Warp(isOversampled: false, padding: .zeros)(images, none)
        #expect(blit.doubles() == images.doubles())
        // All operations of ADA, too.
        var settings = AugmentSettings(.ada)
        (settings.filter, settings.corruption) = (1, 1)
        let unchanged = ParameterTable(pictures: [[ADAParameter: Double]](repeating: [:], count: 3))
        let noise = Tensor.ones(images.shape)
        try expect(ADA(settings)(images, unchanged, noise: noise), is: "images", within: 1e-10)
    }

    /// Pixel blitting moves pixels without interpolation.
    @Test func quarterTurnsAndMirrorsAreExact() throws {
        let images = try given("images").narrow(3, start: 0, length: 9).contiguous()
        var settings = AugmentSettings(.ada)
        (settings.geometry, settings.color) = (0, 0)
        let augment = ADA(settings)
        func blit(_ changes: [ADAParameter: Double]) -> [Double] {
            let parameters = ParameterTable(pictures: [[ADAParameter: Double]](repeating: changes, count: 3))
            return augment(images, parameters, noise: nil).doubles()
        }
        #expect(blit([.mirrored: 1]) == images.flipped([3]).doubles())
        #expect(blit([.quarterTurns: 2]) == images.flipped([2, 3]).doubles())
        // A clockwise quarter turn moves the top to the right.
        #expect(blit([.quarterTurns: 1]) == images.transposed(2, 3).flipped([3]).doubles())
        #expect(blit([.quarterTurns: 3]) == images.transposed(2, 3).flipped([2]).doubles())
        let moved = blit([.shiftX: 2, .shiftY: -1])
        let expected = images.reflectionPadded([2, 0, 0, 1]).narrow(2, start: 1, length: 9)
            .narrow(3, start: 0, length: 9)
        #expect(moved == expected.doubles())
    }

    /// Odd sizes and large translations, which reflect several times.
    @Test func bothImplementationsAgree() {
        let random = RandomSource(seed: 5)
        let images = Tensor.normal([4, 3, 5, 7], random: random).to(.float64)
        let maps =
            Tensor.normal([4, 2, 3], random: random).to(.float64)
            * Tensor(doubles: [1, 1, 30, 1, 1, 30], shape: [1, 2, 3])
        for (isOversampled, padding) in [
            (true, Warp.Padding.reflection), (false, .reflection), (false, .zeros),
        ] {
            let warp = Warp(isOversampled: isOversampled, padding: padding)
            // The second size has other constants.
            for images in [images, images.transposed(2, 3).contiguous()] {
                let difference = warp.fused(images, maps) - warp.composed(images, maps)
                #expect(difference.abs().max().item() < 1e-11)
            }
        }
    }

    @Test func colorsEqualSciPy() throws {
        let parameters = ParameterTable(
            rows: try rows("colours.parameters"),
            [ADAParameter.brightness, .contrast, .lumaFlipped, .hue, .saturation])
        try expect(ADA(AugmentSettings(.ada)).recolored(given("images"), parameters), is: "colours")
    }

    @Test func bandsEqualSciPy() throws {
        let found = try FrequencyBands()(given("images"), gains: given("filter.gains"))
        // PyWavelets rounds the taps of sym2 to 12 digits. The taps here are exact fractions.
        try expect(found, is: "filter", within: 1e-10)
        try expect(found[0], isPicture: 0, of: "images")
    }

    private func expect(_ value: Tensor, isPicture index: Int, of name: String) throws {
        #expect(try (value - given(name)[index]).abs().max().item() < 1e-12)
    }

    @Test func noiseAndCutoutEqualNumPy() throws {
        var settings = AugmentSettings(.ada)
        (settings.blit, settings.geometry, settings.color, settings.corruption) = (0, 0, 0, 1)
        var changes = try given("noise.deviations").doubles().map { [ADAParameter.noise: $0] }
        // The sign of the deviation has no effect.
        changes[1][.noise]?.negate()
        changes[1].merge([.left: 7, .right: 13, .top: -2, .bottom: 4]) { $1 }
        changes[2].merge([.left: 0, .right: 6, .top: 3, .bottom: 8]) { $1 }
        let augment = ADA(settings)
        let found = try augment(
            given("images"), ParameterTable(pictures: changes), noise: given("noise"))
        try expect(found, is: "corrupted")
    }

    @Test func diffAugmentEqualsNumPy() throws {
        let columns: [DiffAugmentParameter] = [.brightness, .saturation, .contrast, .shiftX, .shiftY]
        var changes = try rows("diffaugment.parameters").map {
            Dictionary(uniqueKeysWithValues: zip(columns, $0))
        }
        changes[1].merge([.left: 8, .right: 14, .top: 5, .bottom: 10]) { $1 }
        changes[2].merge([.left: 2, .right: 8, .top: -1, .bottom: 3]) { $1 }
        let augment = DiffAugment(AugmentSettings(.diffaugment))
        let found = try augment(given("images"), ParameterTable(pictures: changes))
        try expect(found, is: "diffaugment")
        #expect(try found[0].doubles() == given("images")[0].doubles())
    }
}

/// First and second derivatives of each operation against central differences in float64. Penalties need both.
@Suite struct AugmentationDerivativeTests {
    private static let shape = [2, 3, 5, 4]
    /// The last two are complete augmentations with random parameters.
    static let names = [
        "warp", "blit", "translation", "composed", "composed zeros", "colours", "bands", "noise and cutout",
        "diffaugment", "ada",
    ]

    private static func apply(_ name: String, to images: Tensor) -> Tensor {
        let random = RandomSource(seed: 11)
        let maps = ReferenceMap.tensor([
            .rotation(0.7).then(.scale(1.3, 0.8)).then(.translation(1.7, -0.6)), .translation(-1, 2),
        ])
        switch name {
        case "warp": return Warp(isOversampled: true, padding: .reflection)(images, maps)
        case "blit": return Warp(isOversampled: false, padding: .reflection)(images, maps)
        case "translation": return Warp(isOversampled: false, padding: .zeros)(images, maps)
        case "composed": return Warp(isOversampled: true, padding: .reflection).composed(images, maps)
        case "composed zeros": return Warp(isOversampled: false, padding: .zeros).composed(images, maps)
        case "colours":
            let change: [ADAParameter: Double] = [
                .brightness: 0.2, .contrast: 1.5, .lumaFlipped: 1, .hue: 1, .saturation: 0.6,
            ]
            return ADA(AugmentSettings(.ada)).recolored(images, ParameterTable(pictures: [change, [:]]))
        case "bands":
            let gains = Tensor(doubles: [0.5, 2, 1, 3, 1, 1, 1.5, 1], shape: [2, 4])
            return FrequencyBands()(images, gains: gains)
        case "noise and cutout":
            var settings = AugmentSettings(.ada)
            (settings.blit, settings.geometry, settings.color, settings.corruption) = (0, 0, 0, 1)
            let change: [ADAParameter: Double] = [
                .noise: 0.1, .left: 1, .right: 3, .top: 0, .bottom: 2,
            ]
            let noise = Tensor.normal(shape, random: random)
            return ADA(settings)(images, ParameterTable(pictures: [change, [:]]), noise: noise)
        case "diffaugment":
            return DiscriminatorAugmentation(AugmentSettings(.diffaugment), device: .cpu)(
                images, random: random)
        default:
            var settings = AugmentSettings(.ada)
            (settings.startProbability, settings.filter, settings.corruption) = (0.8, 1, 1)
            return DiscriminatorAugmentation(settings, device: .cpu)(images, random: random)
        }
    }

    @Test(arguments: names) func derivativesEqualDifferences(_ name: String) {
        let random = RandomSource(seed: 2)
        let images = Tensor.uniform(Self.shape, -1, 1, random: random).to(.float64).requiringGradient()
        let weights = Tensor.normal(Self.shape, random: random).to(.float64)
        // The cube has a second derivative.
        func value() -> Tensor { (Self.apply(name, to: images).pow(3) * weights).sum() }
        Differences.expectFirst(wrt: [images], name, of: value)
        Differences.expectSecond(wrt: [images], name, of: value)
        #expect(Self.apply(name, to: images).detached().doubles() != images.detached().doubles())
    }
}
