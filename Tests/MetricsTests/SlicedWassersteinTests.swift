import Foundation
import Metrics
import TestSupport
import Testing
import Torch

@Suite struct SlicedWassersteinTests {
    struct Golden: Decodable, Sendable {
        struct Level: Decodable, Sendable {
            let side: Int
            let value: Double
            let error: Double
        }
        let count: Int
        let patchesPerPicture: Int
        let directions: Int
        let seed: UInt64
        let batchSize: Int
        let levels: [Level]
        let value: Double
        let error: Double
    }

    /// Pictures [N, 3, H, H] in -1...1 from the bytes [N, H, H, 3] of a golden file.
    private static func golden(_ name: String) throws -> Tensor {
        let file = try TensorFile(path: goldens("Metrics/pictures.safetensors"))
        return try #require(try file.tensor(name)).permuted([0, 3, 1, 2]).to(.float32) / 127.5 - 1
    }

    private static func isClose(_ a: Double, _ b: Double, _ relative: Double) -> Bool {
        abs(a - b) <= relative * abs(b)
    }

    /// Equals the same arithmetic in NumPy, Tests/Goldens/make_metrics.py.
    @Test func equalsNumpy() throws {
        let (real, made) = (try Self.golden("real"), try Self.golden("made"))
        let data = try #require(
            FileManager.default.contents(atPath: goldens("Metrics/slicedWasserstein.json")))
        let cases = try JSONDecoder().decode([Golden].self, from: data)
        #expect(cases.count == 3)
        for one in cases {
            let measure = SlicedWasserstein(
                patchesPerPicture: one.patchesPerPicture, directions: one.directions, seed: one.seed)
            let found = measure(
                count: one.count, batchSize: one.batchSize, reference: { real[$0] }, evaluated: { made[$0] })
            #expect(found.levels.map(\.side) == one.levels.map(\.side))
            #expect(found.count == one.count)
            for (level, golden) in zip(found.levels, one.levels) {
                #expect(Self.isClose(level.value, golden.value, 1e-4), "\(level) against \(golden)")
                #expect(Self.isClose(level.error, golden.error, 1e-3), "\(level) against \(golden)")
            }
            #expect(Self.isClose(found.value, one.value, 1e-4) && Self.isClose(found.error, one.error, 1e-3))
        }
    }

    // MARK: Properties

    /// Random pictures of 32 x 32 pixels with coarse and fine detail; all seeds have the same distribution.
    private func pictures(_ count: Int, seed: UInt64) -> Tensor {
        let random = RandomSource(seed: seed)
        let coarse = Tensor.normal([count, 3, 6, 6], random: random)
            .upsampledBilinear(height: 32, width: 32)
        return (coarse * 0.4 + Tensor.normal([count, 3, 32, 32], random: random) * 0.1).clamped(-1...1)
    }

    private func compare(_ real: Tensor, _ made: Tensor, seed: UInt64 = 0) -> SlicedWasserstein.Result {
        SlicedWasserstein(patchesPerPicture: 24, directions: 96, seed: seed)(
            count: real.shape[0], reference: { real[$0] }, evaluated: { made[$0] })
    }

    @Test func equalSets() {
        let real = pictures(40, seed: 1)
        let found = compare(real, real)
        #expect(found.value == 0 && found.error == 0)
        // The reversed order has nearly the same patches at other positions.
        let turned = compare(real, real.flipped([0]))
        #expect(turned.value > 0 && turned.value < 0.25 * compare(real, pictures(40, seed: 2) * 0.7).value)
    }

    @Test func distanceIncreasesWithDamage() {
        let real = pictures(64, seed: 1)
        let other = pictures(64, seed: 2)
        let floor = compare(real, other)
        func fine(_ result: SlicedWasserstein.Result) -> Double { result.levels[0].value }
        func coarse(_ result: SlicedWasserstein.Result) -> Double { result.levels[1].value }
        #expect(floor.levels.map(\.side) == [32, 16])

        let blurred = other.averagePool2d(2, stride: 2).upsampledBilinear(height: 32, width: 32)
        let blur = compare(real, blurred)
        #expect(fine(blur) > 5 * fine(floor))
        #expect(fine(blur) > 2 * coarse(blur))

        let tint = Tensor([0.3, 0, -0.3], shape: [1, 3, 1, 1])
        let cast = compare(real, other + tint)
        #expect(coarse(cast) > 3 * coarse(floor))
        #expect(
            abs(fine(cast) - fine(floor)) < 0.01 * fine(floor), "a constant is in the coarsest level only")

        let flat = compare(real, other * 0.7)
        #expect(fine(flat) > 2 * fine(floor) && coarse(flat) > 1.5 * coarse(floor))
        let flatter = compare(real, other * 0.4)
        #expect(flatter.value > flat.value)
    }

    @Test func seeds() {
        let (real, made) = (pictures(32, seed: 1), pictures(32, seed: 2) * 0.8)
        #expect(compare(real, made, seed: 3) == compare(real, made, seed: 3))
        let (a, b) = (compare(real, made, seed: 3), compare(real, made, seed: 4))
        #expect(a != b && abs(a.value - b.value) < 3 * a.error)
    }

    /// The standard error matches the spread over independent samples.
    @Test func errorMatchesSpread() {
        let found = (0..<12).map { (draw: Int) -> SlicedWasserstein.Result in
            let (real, made) = (
                pictures(48, seed: UInt64(100 + 2 * draw)), pictures(48, seed: UInt64(101 + 2 * draw))
            )
            return compare(real, made * 0.8)
        }
        func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
        let center = mean(found.map(\.value))
        let spread = (mean(found.map { pow($0.value - center, 2) }) * 12 / 11).squareRoot()
        let claimed = mean(found.map(\.error))
        #expect(claimed > 0.5 * spread && claimed < 2 * spread, "claimed \(claimed), found \(spread)")
    }

    /// Batches are requested once each, in order.
    @Test func streamsAreReadInOrder() {
        let real = pictures(10, seed: 1)
        var asked: [Range<Int>] = []
        _ = SlicedWasserstein(patchesPerPicture: 2, directions: 4)(
            count: 10, batchSize: 4,
            reference: {
                asked.append($0)
                return real[$0]
            }, evaluated: { real[$0] })
        #expect(asked == [0..<4, 4..<8, 8..<10])
    }
}
