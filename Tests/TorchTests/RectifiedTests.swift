import Testing
import Torch

/// `rectified` is `relu` in values and gradients, without its zeros in second derivatives.
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

    @Test func passesNothingOnToTheNextOrder() {
        let x = Tensor([Float(-1), 2]).requiringGradient()
        let w = Tensor([Float(3), 5]).requiringGradient()
        func second(_ activation: (Tensor) -> Tensor) -> [[Float]?] {
            let first = gradients(of: [(activation(x) * w).sum()], wrt: [x], createGraph: true)[0]!
            return gradients(of: [first.square().sum()], wrt: [x, w]).map { $0?.floats() }
        }
        #expect(second { $0.rectified() } == [nil, [0, 10]])
        #expect(second { $0.relu() } == [[0, 0], [0, 10]])
    }
}
