import Metrics
import TestSupport
import Testing
import Torch

@Suite struct PairDistancesTests {
    private let golden: MetricGoldens
    private let real, similar: Tensor

    init() throws {
        golden = try MetricGoldens()
        real = try #require(try TensorFile(path: goldens("Metrics/pictures.safetensors")).tensor("real"))
        similar = try golden["similar"]
    }

    /// Pictures [N, 3, H, W] in -1...1 from bytes [N, H, W, 3].
    private func pictures(_ bytes: Tensor, _ dtype: DType) -> Tensor {
        bytes.permuted([0, 3, 1, 2]).to(dtype) / 127.5 - 1
    }

    /// Tiled pictures with a brightness gradient, as in the golden script.
    private func tiled(_ bytes: Tensor, _ count: Int, _ repeats: Int) -> Tensor {
        let side = 32 * repeats
        let shade = (Tensor.range(side) + Double(side)).to(.float64).reshape([1, side, 1, 1])
        let whole = bytes[0..<count].to(.float64).repeated([1, repeats, repeats, 1])
        return (whole * shade / Double(2 * side)).to(.int64)
    }

    private func compare(_ a: Tensor, _ b: Tensor, _ answer: MetricGoldens.Answers.Pairs) {
        for dtype in [DType.float32, .float64] {
            let (x, y) = (pictures(a, dtype), pictures(b, dtype))
            func check(
                _ found: Tensor, _ expected: [Double],
                sourceLocation: SourceLocation = #_sourceLocation
            ) {
                #expect(found.shape == [a.shape[0]] && found.dtype == dtype, sourceLocation: sourceLocation)
                for (a, b) in zip(found.doubles(), expected) {
                    #expect(
                        abs(a - b) <= 1e-5 * max(1, abs(b)), "\(a) against \(b)",
                        sourceLocation: sourceLocation)
                }
            }
            check(PairDistances.psnr(x, y), answer.psnr)
            check(PairDistances.psnr(x, y), answer.psnrTorchmetrics)
            check(PairDistances.psnr(x, y, channels: .luma, margin: 4), answer.psnrLuma)
            check(PairDistances.ssim(x, y), answer.ssimInside)
            check(PairDistances.ssim(x, y, channels: .luma), answer.ssimLumaInside)
            check(PairDistances.ssim(x, y, border: .mirrored), answer.ssimMirrored)
            check(PairDistances.msSSIM(x, y, border: .mirrored), answer.msSSIMMirrored)
            check(PairDistances.msSSIM(x, y), answer.msSSIMInside)
        }
    }

    /// Equals torchmetrics and scikit-image for sizes with 2, 3, 4 and 5 scales.
    @Test func equalsOtherPrograms() throws {
        var scales: Set<Int> = []
        for (side, answer) in golden.answers.pairs {
            let (count, repeats) = (try #require(answer.count), try #require(answer.repeats))
            compare(tiled(real, count, repeats), tiled(similar, count, repeats), answer)
            let pixels = try #require(Int(side))
            #expect(PairDistances.msSSIMScales(height: pixels, width: 2 * pixels) == answer.scales)
            scales.insert(answer.scales)
        }
        #expect(scales == [2, 3, 4, 5])
    }

    /// A picture and its negative: SSIM is negative, MS-SSIM is clamped to 0.
    @Test func negativePictures() {
        let picture = real[0..<2]
        compare(picture, 255 - picture.to(.float64), golden.answers.opposite)
    }

    @Test func equalPicturesAreBest() {
        let x = pictures(real[0..<3], .float32)
        #expect(PairDistances.psnr(x, x).doubles() == [.infinity, .infinity, .infinity])
        #expect(areNear(PairDistances.ssim(x, x).doubles(), [1, 1, 1], 1e-6))
        #expect(areNear(PairDistances.msSSIM(x, x).doubles(), [1, 1, 1], 1e-6))
    }

    /// Half precision is converted to Float, also under autocast.
    @Test func halfPrecisionIsWidened() {
        let (x, y) = (pictures(real[0..<3], .bfloat16), pictures(similar[0..<3], .bfloat16))
        let expected = PairDistances.ssim(x.to(.float64), y.to(.float64)).doubles()
        let found = withAutocast(.bfloat16, on: .cpu) { PairDistances.ssim(x, y) }
        #expect(found.dtype == .float32 && areNear(found.doubles(), expected, 1e-5))
    }

    /// Gradients equal finite differences in double precision.
    @Test func gradientsAreRight() throws {
        let (a, b) = (pictures(real[0..<1], .float64), pictures(similar[0..<1], .float64))
        let measures: [(String, (Tensor) -> Tensor)] = [
            ("psnr", { PairDistances.psnr($0, b).sum() }),
            ("psnr luma", { PairDistances.psnr($0, b, channels: .luma, margin: 2).sum() }),
            ("ssim", { PairDistances.ssim($0, b).sum() }),
            ("ssim mirrored", { PairDistances.ssim($0, b, border: .mirrored).sum() }),
            ("ms-ssim", { PairDistances.msSSIM($0, b).sum() }),
        ]
        for (name, measure) in measures {
            let x = a.cloned().requiringGradient()
            let gradient = try #require(gradients(of: [measure(x)], wrt: [x])[0])
            for seed in 0..<3 {
                let direction = Tensor.normal(a.shape, random: RandomSource(seed: UInt64(seed))).to(.float64)
                let step = 1e-5
                let slope =
                    (measure(a + direction * step).item() - measure(a - direction * step).item()) / (2 * step)
                let found = (gradient * direction).sum().item()
                #expect(abs(found - slope) < 1e-6 * max(abs(slope), 1e-3), "\(name): \(found), not \(slope)")
            }
        }
    }

    /// Gradients are finite where the contrast term is clamped.
    @Test func gradientsOfOppositesAreFinite() throws {
        let x = pictures(real[0..<1], .float32).requiringGradient()
        let gradient = try #require(
            gradients(of: [PairDistances.msSSIM(x, -x.detached()).sum()], wrt: [x])[0])
        #expect(gradient.isFinite().all().item() == 1)
    }
}
