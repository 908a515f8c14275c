import Objectives
import TestSupport
import Testing
import Torch

/// Each operation of the discriminator's view, with given parameters, against make_view.py.
@Suite struct ViewOperationTests {
    private let golden: [String: Tensor]

    init() throws {
        let read = try TensorFile.read(goldens("Objectives/view.safetensors")).tensors
        golden = Dictionary(uniqueKeysWithValues: read.map { ($0.name, $0.tensor) })
    }

    private func given(_ name: String) throws -> Tensor {
        try #require(golden[name], "the golden has no \(name)")
    }

    /// Lists of numbers, one a picture.
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

    @Test func filtersAreTheWavelets() throws {
        try expect(Tensor(doubles: Warp.sym6), is: "sym6", within: 1e-15)
        try expect(Tensor(doubles: FrequencyBands.taps.flatMap { $0 }, shape: [4, 43]), is: "bands")
        let gains = FrequencyBands.amplified([1, 1, 1, 1], band: 2, by: 1.7)
        try expect(
            Tensor(doubles: FrequencyBands.amplified(gains, band: 0, by: 0.6)), is: "amplified")
    }

    @Test func geometryIsOneMap() throws {
        try expect(maps(), is: "geometry")
    }

    private func changes() throws -> [GeometricChange] {
        try rows("geometry.parameters").map { numbers in
            var change = GeometricChange()
            (change.isMirrored, change.quarterTurns) = (numbers[0] == 1, Int(numbers[1]))
            (change.shiftX, change.shiftY) = (Int(numbers[2]), Int(numbers[3]))
            (change.scale, change.turnBefore) = (numbers[4], numbers[5])
            (change.stretch, change.turnAfter) = (numbers[6], numbers[7])
            (change.moveX, change.moveY) = (numbers[8], numbers[9])
            return change
        }
    }

    private func maps() throws -> Tensor {
        let numbers = try changes().map(\.map.inverse).flatMap { [$0.xx, $0.xy, $0.x0, $0.yx, $0.yy, $0.y0] }
        return Tensor(doubles: numbers, shape: [3, 2, 3])
    }

    @Test(arguments: [
        ("oversampled", true, Warp.Beyond.mirrorImages), ("mirrored", false, .mirrorImages),
        ("zeros", false, .zeros),
    ])
    func warpsAreSciPysAndPyTorchs(name: String, isOversampled: Bool, beyond: Warp.Beyond) throws {
        let (images, maps) = (try given("images"), try maps())
        for warp in [Warp.fused, Warp.composed] {
            try expect(warp(images, maps, isOversampled, beyond), is: name)
            for format in [MemoryFormat.contiguous, .channelsLast] {
                let singles = images.to(.float32).to(format)
                let seen = warp(singles, maps, isOversampled, beyond)
                #expect(seen.dtype == .float32)
                try expect(seen, is: name, within: 3e-6)
            }
        }
    }

    /// Twice as dense and back again is nothing at all, since the filter is orthogonal to itself at even shifts.
    @Test func anIdentityStaysOne() throws {
        let images = try given("images")
        let none = [PlaneMap](repeating: PlaneMap(), count: 3)
        try expect(
            Warp.apply(none, to: images, isOversampled: true, beyond: .mirrorImages), is: "images",
            within: 1e-10)
        let blit = Warp.apply(none, to: images, isOversampled: false, beyond: .zeros)
        #expect(blit.doubles() == images.doubles())
    }

    /// Blits move pixels and compute nothing.
    @Test func quarterTurnsAndMirrorsAreExact() throws {
        let images = try given("images").narrow(3, start: 0, length: 9).contiguous()
        func blit(_ change: (inout GeometricChange) -> Void) -> [Double] {
            var one = GeometricChange()
            change(&one)
            let maps = [PlaneMap](repeating: one.map.inverse, count: 3)
            return Warp.apply(maps, to: images, isOversampled: false, beyond: .mirrorImages).doubles()
        }
        #expect(blit { $0.isMirrored = true } == images.flipped([3]).doubles())
        #expect(blit { $0.quarterTurns = 2 } == images.flipped([2, 3]).doubles())
        // What was at the top is on the right after one turn clockwise.
        #expect(blit { $0.quarterTurns = 1 } == images.transposed(2, 3).flipped([3]).doubles())
        #expect(blit { $0.quarterTurns = 3 } == images.transposed(2, 3).flipped([2]).doubles())
        let moved = blit { ($0.shiftX, $0.shiftY) = (2, -1) }
        let expected = images.reflectionPadded([2, 0, 0, 1]).narrow(2, start: 1, length: 9)
            .narrow(3, start: 0, length: 9)
        #expect(moved == expected.doubles())
    }

    /// One odd size, and pictures far away from the middle: mirror images of mirror images.
    @Test func bothWarpsAgreeFarAway() {
        let random = RandomSource(seed: 5)
        let images = Tensor.normal([4, 3, 5, 7], random: random).to(.float64)
        let maps =
            Tensor.normal([4, 2, 3], random: random).to(.float64)
            * Tensor(doubles: [1, 1, 30, 1, 1, 30], shape: [1, 2, 3])
        for (isOversampled, beyond) in [
            (true, Warp.Beyond.mirrorImages), (false, .mirrorImages), (false, .zeros),
        ] {
            let fused = Warp.fused(images, maps, isOversampled: isOversampled, beyond: beyond)
            let composed = Warp.composed(images, maps, isOversampled: isOversampled, beyond: beyond)
            #expect((fused - composed).abs().max().item() < 1e-11)
        }
    }

    @Test func colorsAreSciPys() throws {
        let changes = try rows("colours.parameters").map { numbers in
            var change = ColorChange()
            (change.brightness, change.contrast) = (numbers[0], numbers[1])
            (change.isLumaFlipped, change.hue, change.saturation) = (numbers[2] == 1, numbers[3], numbers[4])
            return change
        }
        try expect(ColorMap.apply(changes.map(\.map), to: given("images")), is: "colours")
    }

    @Test func bandsAreSciPys() throws {
        let found = try FrequencyBands.apply(rows("filter.gains"), to: given("images"))
        // PyWavelets rounds the taps of sym2 to 12 digits; ours are fractions.
        try expect(found, is: "filter", within: 1e-10)
        try expect(found[0], isPicture: 0, of: "images")
    }

    private func expect(_ value: Tensor, isPicture index: Int, of name: String) throws {
        #expect(try (value - given(name)[index]).abs().max().item() < 1e-12)
    }

    @Test func noiseAndCutoutAreNumPys() throws {
        var settings = AugmentSettings(.ada)
        (settings.blit, settings.geometry, settings.color, settings.corruption) = (0, 0, 0, 1)
        var changes = try given("noise.deviations").doubles().map { deviation in
            var change = AdaptiveChange()
            change.noise = deviation
            return change
        }
        changes[1].hole = Holes.Hole(columns: 7..<13, rows: -2..<4)
        changes[2].hole = Holes.Hole(columns: 0..<6, rows: 3..<8)
        try expect(
            AdaptiveChange.apply(changes, to: given("images"), settings, noise: given("noise")),
            is: "corrupted")
    }

    @Test func diffaugmentIsNumPys() throws {
        var changes = try rows("diffaugment.parameters").map { numbers in
            var change = DiffAugmentChange()
            (change.brightness, change.saturation, change.contrast) = (numbers[0], numbers[1], numbers[2])
            (change.shiftX, change.shiftY) = (Int(numbers[3]), Int(numbers[4]))
            return change
        }
        changes[1].hole = Holes.Hole(columns: 8..<14, rows: 5..<10)
        changes[2].hole = Holes.Hole(columns: 2..<8, rows: -1..<3)
        let found = try DiffAugmentChange.apply(changes, to: given("images"), AugmentSettings(.diffaugment))
        try expect(found, is: "diffaugment")
        #expect(try found[0].doubles() == given("images")[0].doubles())
    }
}
