import Testing
import Torch

/// Products over tiles equal libtorch's convolution in float64, in every order of derivative.
@Suite struct FastConvolutionTests {
    struct Shape: CustomTestStringConvertible {
        let pictures, inputs, outputs, side, kernel, stride, padding: Int
        var outputPadding = 0
        var isTransposed = false
        var groups = 1
        var testDescription: String {
            "\(isTransposed ? "transposed " : "")\(inputs)->\(outputs)@\(side), \(kernel)x\(kernel), stride \(stride)"
                + (groups > 1 ? ", groups \(groups)" : "")
        }
    }

    /// Odd sides, sides that tiles do not divide, one picture of many tiles, many pictures of few.
    static let shapes = [
        Shape(pictures: 3, inputs: 32, outputs: 64, side: 16, kernel: 4, stride: 2, padding: 1),
        Shape(pictures: 70, inputs: 32, outputs: 80, side: 8, kernel: 4, stride: 2, padding: 1),
        Shape(pictures: 2, inputs: 48, outputs: 64, side: 10, kernel: 4, stride: 2, padding: 1),
        Shape(pictures: 2, inputs: 64, outputs: 64, side: 11, kernel: 5, stride: 2, padding: 2),
        Shape(pictures: 2, inputs: 32, outputs: 64, side: 22, kernel: 4, stride: 2, padding: 1),
        Shape(pictures: 2, inputs: 64, outputs: 64, side: 27, kernel: 5, stride: 2, padding: 2),
        Shape(pictures: 2, inputs: 64, outputs: 96, side: 13, kernel: 3, stride: 1, padding: 1),
        Shape(pictures: 1, inputs: 64, outputs: 64, side: 40, kernel: 3, stride: 1, padding: 1),
        Shape(pictures: 3, inputs: 64, outputs: 64, side: 6, kernel: 3, stride: 1, padding: 0),
        Shape(
            pictures: 3, inputs: 64, outputs: 32, side: 8, kernel: 4, stride: 2, padding: 1,
            isTransposed: true),
        Shape(
            pictures: 2, inputs: 80, outputs: 64, side: 5, kernel: 5, stride: 2, padding: 2, outputPadding: 1,
            isTransposed: true),
        // An output padding without padding: no product reaches the last row and column.
        Shape(
            pictures: 2, inputs: 64, outputs: 3, side: 4, kernel: 4, stride: 2, padding: 0, outputPadding: 1,
            isTransposed: true),
        Shape(
            pictures: 2, inputs: 64, outputs: 64, side: 4, kernel: 4, stride: 2, padding: 0, outputPadding: 1,
            isTransposed: true),
        Shape(
            pictures: 2, inputs: 64, outputs: 64, side: 9, kernel: 3, stride: 1, padding: 1,
            isTransposed: true),
        Shape(pictures: 2, inputs: 48, outputs: 32, side: 9, kernel: 3, stride: 1, padding: 1, groups: 4),
        Shape(pictures: 3, inputs: 12, outputs: 12, side: 11, kernel: 4, stride: 2, padding: 1, groups: 12),
        Shape(pictures: 2, inputs: 8, outputs: 12, side: 6, kernel: 1, stride: 1, padding: 0, groups: 2),
    ]

    /// Inputs of a convolution, of a seed.
    struct Given {
        let shape: Shape
        let input, weight, bias: Tensor

        init(_ shape: Shape, seed: UInt64 = 1) {
            let random = RandomSource(seed: seed)
            let ends =
                shape.isTransposed
                ? [shape.inputs, shape.outputs] : [shape.outputs, shape.inputs / shape.groups]
            self.shape = shape
            input = Tensor.normal(
                [shape.pictures, shape.inputs, shape.side, shape.side], random: random
            ).to(.channelsLast)
            weight = Tensor.normal(ends + [shape.kernel, shape.kernel], random: random).to(.channelsLast)
            bias = Tensor.normal([shape.outputs], random: random)
        }

        func output(_ input: Tensor, _ weight: Tensor, _ kernels: Kernels) -> Tensor {
            withKernels(kernels) {
                let bias = bias.to(weight.dtype)
                return shape.isTransposed
                    ? input.convTranspose2d(
                        weight: weight, bias: bias, stride: shape.stride, padding: shape.padding,
                        outputPadding: shape.outputPadding)
                    : input.conv2d(
                        weight: weight, bias: bias, stride: shape.stride, padding: shape.padding,
                        groups: shape.groups)
            }
        }

        /// The output, the gradients of a function of it, and those of a penalty on the first one.
        func results(_ kernels: Kernels, input: Tensor, weight: Tensor) throws -> [(String, Tensor)] {
            let (input, weight) = (input.requiringGradient(), weight.requiringGradient())
            let output = output(input, weight, kernels)
            // Bent, so that the second derivatives depend on everything; the scale keeps it from saturating.
            let bent = (output.to(.float32) * 0.02).tanh().sum()
            let first = gradients(of: [bent], wrt: [input, weight], createGraph: true)
            let (ofInput, ofWeight) = (try #require(first[0]), try #require(first[1]))
            let penalty = ofInput.to(.float32).square().sum() + ofWeight.to(.float32).square().sum()
            let second = gradients(of: [penalty], wrt: [input, weight])
            return [
                ("output", output), ("input's gradient", ofInput), ("weight's gradient", ofWeight),
                ("input's second", try #require(second[0])), ("weight's second", try #require(second[1])),
            ]
        }
    }

    /// |a - b| / |b|.
    static func error(_ a: Tensor, _ b: Tensor) -> Double {
        let (a, b) = (a.detached().to(.float64), b.detached().to(.float64))
        return (a - b).norm().item() / b.norm().item()
    }

    @Test(arguments: shapes) func float32(_ shape: Shape) throws {
        let given = Given(shape)
        let exact = try given.results(
            .plain, input: given.input.to(.float64), weight: given.weight.to(.float64))
        let found = try given.results(.fast, input: given.input, weight: given.weight)
        for ((name, a), (_, b)) in zip(found, exact) {
            #expect(a.shape == b.shape && a.dtype == .float32, "\(name)")
            #expect(Self.error(a, b) < (name == "output" ? 1e-6 : 1e-5), "\(name)")
        }
        #expect(found[0].1.isContiguous(.channelsLast))
    }

    /// bfloat16 has 8 bits of precision. The sums that are rounded are up to twice as large in each dimension as the results,
    /// so the limit is four times libtorch's error.
    @Test(arguments: shapes) func bfloat16(_ shape: Shape) throws {
        let given = Given(shape)
        let exact = try given.results(
            .plain, input: given.input.to(.float64), weight: given.weight.to(.float64))
        func rounded(_ kernels: Kernels) throws -> [(String, Tensor)] {
            try withAutocast(.bfloat16, on: .cpu) {
                try given.results(kernels, input: given.input.cloned(), weight: given.weight.cloned())
            }
        }
        let (plain, fast) = (try rounded(.plain), try rounded(.fast))
        for index in exact.indices {
            let (name, b) = exact[index]
            let (own, engines) = (Self.error(fast[index].1, b), Self.error(plain[index].1, b))
            #expect(own < 4 * engines && own < 0.02, "\(name): \(own), the engine \(engines)")
        }
        #expect(fast[0].1.dtype == .bfloat16)
    }

    @Test(.enabled(if: CPUFeatures.current.flags.contains("avx2"))) func areUsed() {
        let given = Given(Self.shapes[0])
        let (fast, plain) = (
            given.output(given.input, given.weight, .fast), given.output(given.input, given.weight, .plain)
        )
        #expect(fast.bytes() != plain.bytes())
        #expect(fast.bytes() == given.output(given.input, given.weight, .fast).bytes())
    }

    /// Layers of few channels and float64 are computed by libtorch, bit for bit.
    @Test func othersAreComputedByLibtorch() {
        let thin = Given(
            Shape(pictures: 2, inputs: 3, outputs: 64, side: 16, kernel: 4, stride: 2, padding: 1))
        #expect(
            thin.output(thin.input, thin.weight, .fast).bytes()
                == thin.output(thin.input, thin.weight, .plain).bytes())
        let given = Given(Self.shapes[0])
        let (input, weight) = (given.input.to(.float64), given.weight.to(.float64))
        #expect(given.output(input, weight, .fast).bytes() == given.output(input, weight, .plain).bytes())
    }

    /// Packed weights follow every change of the weights. They are kept after a few uses.
    @Test func changedWeightsAreSeen() {
        let given = Given(Self.shapes[0])
        let weight = given.weight.cloned()
        func output() -> Tensor {
            for _ in 0..<5 { _ = given.output(given.input, weight, .fast) }
            return given.output(given.input, weight, .fast)
        }
        let before = output()
        weight.multiply_(2)
        #expect(Self.error(output(), before) > 0.5)
        weight.detached().copy_(given.weight)
        #expect(output().bytes() == before.bytes())
        weight[0..<1].zero_()
        let plain = given.output(given.input, weight, .plain)
        #expect(Self.error(output(), plain) < 1e-6)
        // The memory of a freed tensor may be reused by the next one.
        for seed in UInt64(2)..<6 {
            let other = Given(Self.shapes[0], seed: seed)
            let exact = other.output(other.input, other.weight, .plain)
            for _ in 0..<6 {
                #expect(Self.error(other.output(other.input, other.weight, .fast), exact) < 1e-6)
            }
        }
    }

    /// A 1x1 convolution with a stride equals a slice and a 1x1 convolution, in values and gradients. libtorch's own AVX2
    /// kernel writes past its memory for 2 to 7 channels.
    @Test(arguments: [2, 3, 4, 5, 7, 8], [2, 3]) func stridedPoints(channels: Int, stride: Int) throws {
        let random = RandomSource(seed: 3)
        let input = Tensor.normal([8, channels, 8, 8], random: random).to(.channelsLast)
        let weight = Tensor.normal([8, channels, 1, 1], random: random).to(.channelsLast)
        for kernels in Kernels.allCases {
            for _ in 0..<20 {
                let (x, w) = (input.requiringGradient(), weight.requiringGradient())
                let y = withKernels(kernels) { x.conv2d(weight: w, bias: nil, stride: stride) }
                let found = gradients(of: [y.square().sum()], wrt: [x, w])
                let (x64, w64) = (
                    input.to(.float64).requiringGradient(), weight.to(.float64).requiringGradient()
                )
                let exact = x64.conv2d(weight: w64, bias: nil, stride: stride)
                let expected = gradients(of: [exact.square().sum()], wrt: [x64, w64])
                #expect(Self.error(y, exact) < 1e-6)
                for (a, b) in zip(found, expected) {
                    #expect(Self.error(try #require(a), try #require(b)) < 1e-5)
                }
            }
        }
    }

    /// Outputs that no pixel reaches equal the bias. libtorch's own AVX2 kernel crashes there.
    @Test(arguments: [1, 2, 3, 5], [1, 2]) func paddingBeyondTheKernel(padding: Int, side: Int) {
        let random = RandomSource(seed: 5)
        let x = Tensor.normal([3, 4, 8, 1], random: random).to(.channelsLast)
        let (weight, bias) = (
            Tensor.normal([6, 4, side, side], random: random), Tensor.normal([6], random: random)
        )
        guard 1 + 2 * padding > 2 * (side - 1) else { return }
        let found = x.conv2d(weight: weight, bias: bias, stride: 2, padding: padding, dilation: 2)
        let exact = x.to(.float64).conv2d(
            weight: weight.to(.float64), bias: bias.to(.float64), stride: 2, padding: padding, dilation: 2)
        #expect(Self.error(found, exact) < 1e-6)
        if padding > 2 * (side - 1) {
            let corner = found.select(3, 0).select(2, 0).select(0, 0)
            #expect(corner.bytes() == bias.bytes())
        }
    }
}
