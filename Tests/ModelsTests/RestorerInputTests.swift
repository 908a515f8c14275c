import Models
import Testing
import Torch

/// Warping and degradation of restorer inputs.
@Suite struct RestorerInputTests {
    private static func faces(_ count: Int = 4, side: Int = 32) -> Tensor {
        let random = RandomSource(seed: 7)
        return Tensor.uniform([count, 3, side / 4, side / 4], -1, 1, random: random)
            .upsampledBilinear(height: side, width: side)
    }

    private static func input(_ change: (inout InputSettings) -> Void) -> RestorerInput {
        var settings = InputSettings()
        change(&settings)
        return RestorerInput(settings)
    }

    /// Without displacement the pictures do not change.
    @Test func warpWithoutDisplacementIsTheIdentity() {
        let faces = Self.faces()
        let same = Self.input { ($0.kind, $0.warp) = (.warped, 0) }
        #expect((same(faces, warps: true, random: RandomSource(seed: 1)) - faces).abs().max().item() < 1e-5)
    }

    @Test func warpKeepsTheBorder() {
        let faces = Self.faces()
        let warped = Self.input { ($0.kind, $0.warp) = (.warped, 0.24) }
        let random = RandomSource(seed: 1)
        let result = warped(faces, warps: true, random: random)
        let moved = (result - faces).abs()
        #expect(moved.mean().item() > 0.01)
        #expect(moved.narrow(2, start: 0, length: 1).max().item() < 1e-4, "the border has moved")
        // The next batch has other warps. Phases without warps draw nothing.
        #expect((warped(faces, warps: true, random: random) - result).abs().max().item() > 0.01)
        let before = random.state
        #expect((warped(faces, warps: false, random: random) - faces).abs().max().item() == 0)
        #expect(random.state == before)
    }

    @Test(arguments: [2, 4, 8])
    func inputsAreDownsampled(scale: Int) {
        let faces = Self.faces()
        let small = Self.input { ($0.kind, $0.scale) = (.smaller, scale) }(
            faces, random: RandomSource(seed: 1))
        #expect(small.shape == [4, 3, 32 / scale, 32 / scale])
        // A bicubic filter preserves the mean.
        #expect((small.mean([2, 3]) - faces.mean([2, 3])).abs().max().item() < 0.05)
    }

    /// Each degradation changes the pictures, and none does with strength 0.
    @Test func eachDegradationHasAnEffect() {
        let faces = Self.faces()
        func small(_ blur: Double, _ noise: Double, _ quality: Int) -> Tensor {
            let input = Self.input {
                ($0.kind, $0.scale, $0.degradation) = (.smaller, 2, .realistic)
                ($0.blurPixels, $0.noiseLevels, $0.jpegQuality) = (blur, noise, quality)
            }
            return input(faces, random: RandomSource(seed: 3))
        }
        let clean = Self.input { ($0.kind, $0.scale) = (.smaller, 2) }(faces, random: RandomSource(seed: 3))
        func difference(_ other: Tensor) -> Double { (other - clean).abs().mean().item() }
        #expect(difference(small(0, 0, 100)) < 1e-5)
        for damaged in [small(4, 0, 100), small(0, 40, 100), small(0, 0, 10)] {
            #expect(difference(damaged) > 0.005)
            #expect(damaged.abs().max().item() <= 1)
        }
    }
}
