import Torch

// Operators on pictures: convolutions, normalizations, pooling, resampling and pixels.
extension SelfTest {
    private static func check(_ name: String, _ body: @escaping @Sendable (Inputs) -> [(String, Tensor)])
        -> Check
    {
        Check(group: .operators, name: name, body: body)
    }

    /// Check of a convolution of [4, inputs, side, side], channels-last, with all gradients.
    private static func convolution(
        _ name: String, _ inputs: Int, _ outputs: Int, side: Int, kernel: Int, transposed: Bool = false,
        groups: Int = 1, _ body: @escaping @Sendable (_ x: Tensor, _ weight: Tensor, _ bias: Tensor) -> Tensor
    ) -> Check {
        check(name) { given in
            let ends = transposed ? [inputs, outputs / groups] : [outputs, inputs / groups]
            let x = given.normal(4, inputs, side, side).to(.channelsLast)
            let weight = given.normal(ends[0], ends[1], kernel, kernel) * 0.1
            return given.differentiated([x, weight, given.normal(outputs)]) { [body($0[0], $0[1], $0[2])] }
        }
    }

    static let convolutions: [Check] = [
        convolution("convolution 4x4, stride 2, first layer", 3, 64, side: 32, kernel: 4) {
            $0.conv2d(weight: $1, bias: $2, stride: 2, padding: 1)
        },
        convolution("convolution 4x4, stride 2", 64, 128, side: 16, kernel: 4) {
            $0.conv2d(weight: $1, bias: $2, stride: 2, padding: 1)
        },
        convolution("convolution 4x4 of 4x4 pixels", 128, 1, side: 4, kernel: 4) {
            $0.conv2d(weight: $1, bias: $2)
        },
        convolution("convolution 3x3", 32, 48, side: 16, kernel: 3) {
            $0.conv2d(weight: $1, bias: $2, padding: 1)
        },
        convolution("convolution 1x1", 32, 16, side: 8, kernel: 1) { $0.conv2d(weight: $1, bias: $2) },
        convolution("convolution 5x5, stride 2", 8, 24, side: 16, kernel: 5) {
            $0.conv2d(weight: $1, bias: $2, stride: 2, padding: 2)
        },
        convolution("convolution in groups", 32, 32, side: 8, kernel: 3, groups: 32) {
            $0.conv2d(weight: $1, bias: $2, padding: 1, groups: 32)
        },
        convolution("dilated convolution", 8, 8, side: 12, kernel: 3) {
            $0.conv2d(weight: $1, bias: $2, padding: 2, dilation: 2)
        },
        convolution("transposed convolution 4x4, stride 2", 128, 64, side: 8, kernel: 4, transposed: true) {
            $0.convTranspose2d(weight: $1, bias: $2, stride: 2, padding: 1)
        },
        convolution("transposed convolution of one pixel", 100, 64, side: 1, kernel: 4, transposed: true) {
            $0.convTranspose2d(weight: $1, bias: $2)
        },
        convolution("transposed convolution to pictures", 64, 3, side: 16, kernel: 4, transposed: true) {
            $0.convTranspose2d(weight: $1, bias: $2, stride: 2, padding: 1)
        },
        convolution("transposed convolution 3x3, output padding", 16, 8, side: 8, kernel: 3, transposed: true)
        {
            $0.convTranspose2d(weight: $1, bias: $2, stride: 2, padding: 1, outputPadding: 1)
        },
        check("convolution with activation") { inputs in
            let x = inputs.normal(4, 32, 16, 16).to(.channelsLast)
            let (weight, bias) = (inputs.normal(64, 32, 4, 4) * 0.1, inputs.normal(64))
            return withoutGradients {
                [
                    (
                        "output",
                        x.activatedConvolution2d(
                            weight: weight, bias: bias, stride: 2, padding: 1, slope: 0.2)
                    )
                ]
            }
        },
        check("second derivatives of a convolution") { inputs in
            let x = inputs.normal(4, 16, 12, 12).to(.channelsLast)
            let weight = inputs.normal(24, 16, 4, 4) * 0.1
            return inputs.differentiated([x, weight]) { leaves in
                let y = leaves[0].conv2d(weight: leaves[1], bias: nil, stride: 2, padding: 1).leakyReLU(0.2)
                let slope = gradients(of: [y.square().sum()], wrt: [leaves[0]], createGraph: true)[0]!
                return [slope]
            }
        },
    ]

    private static let normalizations: [Check] = [
        check("batch normalization") { inputs in
            let (mean, variance) = (inputs.normal(24), inputs.uniform(0.5...2, 24))
            let given = [inputs.normal(6, 24, 8, 8).to(.channelsLast), inputs.normal(24), inputs.normal(24)]
            func norm(_ x: [Tensor], training: Bool) -> Tensor {
                x[0].batchNorm(
                    weight: x[1], bias: x[2], runningMean: mean, runningVariance: variance,
                    training: training, momentum: 0.1, epsilon: 1e-5)
            }
            return inputs.differentiated(given) { [norm($0, training: true), norm($0, training: false)] }
                + [("mean", mean), ("variance", variance)]
        },
        check("batch normalization with activation") { inputs in
            let (mean, variance) = (inputs.normal(24), inputs.uniform(0.5...2, 24))
            let given = [inputs.normal(6, 24, 8, 8).to(.channelsLast), inputs.normal(24), inputs.normal(24)]
            return inputs.differentiated(given) { x in
                [
                    x[0].activatedBatchNorm(
                        weight: x[1], bias: x[2], runningMean: mean, runningVariance: variance,
                        momentum: 0.1, epsilon: 1e-5, slope: 0.2)
                ]
            } + [("mean", mean), ("variance", variance)]
        },
        check("batch normalization, activation, convolution") { inputs in
            let (mean, variance) = (inputs.normal(24), inputs.uniform(0.5...2, 24))
            let given = [
                inputs.normal(6, 24, 8, 8).to(.channelsLast), inputs.uniform(0.5...2, 24), inputs.normal(24),
                inputs.normal(24, 16, 4, 4) * 0.1,
            ]
            return inputs.differentiated(given) { x in
                [
                    x[0].convolvedBatchNorm(
                        scale: x[1], shift: x[2], runningMean: mean, runningVariance: variance,
                        momentum: 0.1, epsilon: 1e-5, slope: 0, weight: x[3], bias: nil, stride: 2,
                        padding: 1, transposed: true)
                ]
            } + [("mean", mean), ("variance", variance)]
        },
        check("layer, group and instance normalization") { inputs in
            inputs.differentiated([inputs.normal(4, 8, 6, 6), inputs.normal(8), inputs.normal(8)]) { x in
                [
                    x[0].layerNorm(shape: [8, 6, 6], weight: nil, bias: nil, epsilon: 1e-5),
                    x[0].groupNorm(groups: 4, weight: x[1], bias: x[2], epsilon: 1e-5),
                    x[0].instanceNorm(weight: x[1], bias: x[2], epsilon: 1e-5),
                ]
            }
        },
    ]

    static let pictures: [Check] =
        normalizations + [
            check("pooling") { inputs in
                inputs.differentiated([inputs.normal(3, 4, 12, 12)]) { x in
                    [
                        x[0].averagePool2d(2, stride: 2), x[0].averagePool2d(3, stride: 1, padding: 1),
                        x[0].adaptiveAveragePool2d(5), x[0].maxPool2d(3, stride: 2, padding: 1),
                    ]
                }
            },
            check("resampling") { inputs in
                let points = inputs.uniform(-0.9...0.9, 3, 7, 7, 2)
                return inputs.differentiated([inputs.normal(3, 4, 12, 12)]) { x in
                    [
                        x[0].upsampledNearest(height: 24, width: 24),
                        x[0].upsampledBilinear(height: 20, width: 24),
                        x[0].resizedBilinear(height: 5, width: 7), x[0].resizedBicubic(height: 5, width: 7),
                        x[0].sampled(at: points),
                    ]
                }
            },
            check("structural similarity") { inputs in
                // Evaluation computes it in float32, because differences of squares lose the precision of bfloat16.
                withAutocast(.float32, on: inputs.device) {
                    inputs.differentiated(
                        [inputs.uniform(0...1, 2, 3, 24, 24), inputs.uniform(0...1, 2, 3, 24, 24)]
                    ) { x in [x[0].structuralSimilarity(to: x[1]).similarity] }
                }
            },
            check("bytes of pictures") { inputs in
                // Halves of a level round either way, so values are moved away from them.
                let levels = inputs.uniform(0...255, 4, 3, 16, 16).round()
                let back = ((levels + 0.2) / PixelRange.middle - 1).to(.channelsLast).pixels()
                let bytes = (0..<3 * 64).map { UInt8($0) }
                return inputs.named(
                    "output", [back, .pictures(bytes, count: 1, side: 8, on: inputs.device)])
            },
            check("recomputed activations") { inputs in
                let weight = inputs.normal(8, 8, 3, 3) * 0.2
                return inputs.differentiated([inputs.normal(2, 8, 10, 10), weight]) { x in
                    [
                        recomputed(x[0], parameters: [x[1]]) {
                            $0.conv2d(weight: x[1], bias: nil, padding: 1).tanh()
                        }
                    ]
                }
            },
        ]
}
