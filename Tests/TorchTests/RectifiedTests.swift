import Testing
import Torch

/// `rectified` and `leakyReLU_` equal libtorch's activations in values and gradients, without their zeros in second
/// derivatives.
@Suite struct RectifiedTests {
    @Test(arguments: [DType.float32, .float64, .bfloat16]) func isReLU(dtype: DType) {
        let values: [Float] = [-3, -0.5, -0.0, 0, 1e-30, 2, .infinity, -.infinity]
        func both(_ activation: (Tensor) -> Tensor) -> (value: [Float], gradient: [Float]) {
            let x = Tensor(values).to(dtype).requiringGradient()
            let y = activation(x)
            let seed = Tensor.full(x.shape, 3, dtype: dtype)
            let gradient = gradients(of: [y], wrt: [x], seeds: [seed])[0]!
            return (y.detached().to(.float32).floats(), gradient.to(.float32).floats())
        }
        let (own, expected) = (both { $0.rectified() }, both { $0.relu() })
        #expect(own.value == expected.value && own.gradient == expected.gradient)
        #expect(Tensor([Float.nan]).to(dtype).rectified().item().isNaN)
    }

    @Test(arguments: [DType.float32, .float64, .bfloat16], [0, 0.2]) func isLeakyReLU(
        dtype: DType, slope: Double
    ) {
        let values: [Float] = [-3, -0.5, -0.0, 0, 1e-30, 2, .infinity]
        func both(_ activation: (Tensor) -> Tensor) -> [[Float]] {
            let x = Tensor(values).to(dtype).requiringGradient()
            let y = activation(x * 1)
            let gradient = gradients(of: [y], wrt: [x], seeds: [Tensor.full(x.shape, 3, dtype: dtype)])[0]!
            return [y.detached().to(.float32).floats(), gradient.to(.float32).floats()]
        }
        #expect(both(Self.inPlace(slope)) == both { $0.leakyReLU(slope) })
        let plain = Tensor(values).to(dtype)
        plain.leakyReLU_(slope)
        #expect(plain.floats() == Tensor(values).to(dtype).leakyReLU(slope).floats())
    }

    private static func inPlace(_ slope: Double) -> (Tensor) -> Tensor {
        { x in
            x.leakyReLU_(slope)
            return x
        }
    }

    @Test func passesNothingOnToTheNextOrder() {
        let x = Tensor([Float(-1), 2]).requiringGradient()
        let w = Tensor([Float(3), 5]).requiringGradient()
        func second(_ activation: (Tensor) -> Tensor) -> [[Float]?] {
            let first = gradients(of: [(activation(x) * w).sum()], wrt: [x], createGraph: true)[0]!
            return gradients(of: [first.square().sum()], wrt: [x, w]).map { $0?.floats() }
        }
        #expect(second { $0.rectified() } == [nil, [0, 10]])
        #expect(second { $0.relu() } == [[0, 0], [0, 10]])
        // The squares of 0.2 * 3 and 5; x reaches the activation through a product.
        let leaky = second { Self.inPlace(0.2)($0 * 1) }
        #expect(leaky[0] == nil)
        #expect(zip(leaky[1] ?? [], [Float(0.24), 10]).allSatisfy { abs($0 - $1) < 1e-6 })
    }
}
