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
        let gains = FrequencyBands.amplified([1, 1, 1, 1], band: 2, by: 1.7)
        try expect(
            Tensor(doubles: FrequencyBands.amplified(gains, band: 0, by: 0.6)), is: "amplified")
    }

    @Test func geometryComposesToOneMap() throws {
        try expect(maps(), is: "geometry")
    }

    private func changes() throws -> [ADAGeometry] {
        try rows("geometry.parameters").map { numbers in
            var change = ADAGeometry()
            (change.isMirrored, change.quarterTurns) = (numbers[0] == 1, Int(numbers[1]))
            (change.shiftX, change.shiftY) = (Int(numbers[2]), Int(numbers[3]))
            (change.scale, change.rotationBefore) = (numbers[4], numbers[5])
            (change.stretch, change.rotationAfter) = (numbers[6], numbers[7])
            (change.moveX, change.moveY) = (numbers[8], numbers[9])
            return change
        }
    }

    private func maps() throws -> Tensor {
        let numbers = try changes().map(\.map.inverse).flatMap { [$0.xx, $0.xy, $0.x0, $0.yx, $0.yy, $0.y0] }
        return Tensor(doubles: numbers, shape: [3, 2, 3])
    }

    @Test(arguments: [
        ("oversampled", true, Warp.Padding.reflection), ("mirrored", false, .reflection),
        ("zeros", false, .zeros),
    ])
    func warpsEqualSciPyAndPyTorch(name: String, isOversampled: Bool, padding: Warp.Padding) throws {
        let (images, maps) = (try given("images"), try maps())
        for warp in [Warp.fused, Warp.composed] {
            try expect(warp(images, maps, isOversampled, padding), is: name)
            for format in [MemoryFormat.contiguous, .channelsLast] {
                let singles = images.to(.float32).to(format)
                let warped = warp(singles, maps, isOversampled, padding)
                #expect(warped.dtype == .float32)
                try expect(warped, is: name, within: 3e-6)
            }
        }
    }

    /// Upsampling followed by downsampling is the identity, because the filter is orthogonal to its even shifts.
    @Test func identityMapsChangeNothing() throws {
        let images = try given("images")
        let none = [AffineMap](repeating: AffineMap(), count: 3)
        try expect(
            Warp.apply(none, to: images, isOversampled: true, padding: .reflection), is: "images",
            within: 1e-10)
        let blit = Warp.apply(none, to: images, isOversampled: false, padding: .zeros)
        #expect(blit.doubles() == images.doubles())
    }

    /// Pixel blitting moves pixels without interpolation.
    @Test func quarterTurnsAndMirrorsAreExact() throws {
        let images = try given("images").narrow(3, start: 0, length: 9).contiguous()
        func blit(_ change: (inout ADAGeometry) -> Void) -> [Double] {
            var one = ADAGeometry()
            change(&one)
            let maps = [AffineMap](repeating: one.map.inverse, count: 3)
            return Warp.apply(maps, to: images, isOversampled: false, padding: .reflection).doubles()
        }
        #expect(blit { $0.isMirrored = true } == images.flipped([3]).doubles())
        #expect(blit { $0.quarterTurns = 2 } == images.flipped([2, 3]).doubles())
        // A clockwise quarter turn moves the top to the right.
        #expect(blit { $0.quarterTurns = 1 } == images.transposed(2, 3).flipped([3]).doubles())
        #expect(blit { $0.quarterTurns = 3 } == images.transposed(2, 3).flipped([2]).doubles())
        let moved = blit { ($0.shiftX, $0.shiftY) = (2, -1) }
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
            let fused = Warp.fused(images, maps, isOversampled: isOversampled, padding: padding)
            let composed = Warp.composed(images, maps, isOversampled: isOversampled, padding: padding)
            #expect((fused - composed).abs().max().item() < 1e-11)
        }
    }

    @Test func colorsEqualSciPy() throws {
        let changes = try rows("colours.parameters").map { numbers in
            var change = ADAColor()
            (change.brightness, change.contrast) = (numbers[0], numbers[1])
            (change.isLumaFlipped, change.hue, change.saturation) = (numbers[2] == 1, numbers[3], numbers[4])
            return change
        }
        try expect(ColorTransform.apply(changes.map(\.map), to: given("images")), is: "colours")
    }

    @Test func bandsEqualSciPy() throws {
        let found = try FrequencyBands.apply(rows("filter.gains"), to: given("images"))
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
        var changes = try given("noise.deviations").doubles().map { deviation in
            var change = ADAParameters()
            change.noise = deviation
            return change
        }
        changes[1].cutout = Cutout.Rectangle(columns: 7..<13, rows: -2..<4)
        changes[2].cutout = Cutout.Rectangle(columns: 0..<6, rows: 3..<8)
        try expect(
            ADAParameters.apply(changes, to: given("images"), settings, noise: given("noise")),
            is: "corrupted")
    }

    @Test func diffAugmentEqualsNumPy() throws {
        var changes = try rows("diffaugment.parameters").map { numbers in
            var change = DiffAugmentParameters()
            (change.brightness, change.saturation, change.contrast) = (numbers[0], numbers[1], numbers[2])
            (change.shiftX, change.shiftY) = (Int(numbers[3]), Int(numbers[4]))
            return change
        }
        changes[1].cutout = Cutout.Rectangle(columns: 8..<14, rows: 5..<10)
        changes[2].cutout = Cutout.Rectangle(columns: 2..<8, rows: -1..<3)
        let found = try DiffAugmentParameters.apply(
            changes, to: given("images"), AugmentSettings(.diffaugment))
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
        let tilted = AffineMap.rotation(0.7).then(.scale(1.3, 0.8)).then(.translation(1.7, -0.6))
        let moved = AffineMap.translation(-1, 2)
        let numbers = Tensor(
            doubles: [tilted, moved].flatMap { [$0.xx, $0.xy, $0.x0, $0.yx, $0.yy, $0.y0] }, shape: [2, 2, 3])
        switch name {
        case "warp":
            return Warp.apply([tilted, moved], to: images, isOversampled: true, padding: .reflection)
        case "blit":
            return Warp.apply([tilted, moved], to: images, isOversampled: false, padding: .reflection)
        case "translation":
            return Warp.apply([tilted, moved], to: images, isOversampled: false, padding: .zeros)
        case "composed":
            return Warp.composed(images, numbers, isOversampled: true, padding: .reflection)
        case "composed zeros":
            return Warp.composed(images, numbers, isOversampled: false, padding: .zeros)
        case "colours":
            var change = ADAColor()
            (change.brightness, change.contrast, change.isLumaFlipped) = (0.2, 1.5, true)
            (change.hue, change.saturation) = (1, 0.6)
            return ColorTransform.apply([change.map, ColorTransform()], to: images)
        case "bands": return FrequencyBands.apply([[0.5, 2, 1, 3], [1, 1, 1.5, 1]], to: images)
        case "noise and cutout":
            var settings = AugmentSettings(.ada)
            (settings.blit, settings.geometry, settings.color, settings.corruption) = (0, 0, 0, 1)
            var change = ADAParameters()
            (change.noise, change.cutout) = (0.1, Cutout.Rectangle(columns: 1..<3, rows: 0..<2))
            let noise = Tensor.normal(shape, random: random)
            return ADAParameters.apply([change, ADAParameters()], to: images, settings, noise: noise)
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
