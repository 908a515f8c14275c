import Torch
import TorchNN

// Resampling by 2 beside a 3 x 3 convolution is one of 4 x 4 with strides of 2, which has fast kernels of its own: for means
// over pairs, (y[2j] + y[2j+1]) / 2 with y[i] = sum w[k] x[i+k-1] is sum v[m] x[2j+m-1] with v[m] = (w[m-1] + w[m]) / 2.
extension WeightedConvolution {
    /// The means of 2 x 2 pixels of this 3 x 3 convolution's result: [N, in, H, W] to [N, out, H / 2, W / 2].
    func thenHalved(_ input: Tensor) -> Tensor {
        let (weight, bias) = used()
        return input.conv2d(weight: Self.spread(weight), bias: bias, stride: 2, padding: 1)
    }

    /// This 3 x 3 convolution of pictures whose pixels are doubled: [N, in, H, W] to [N, out, 2 H, 2 W].
    func ofDoubled(_ input: Tensor) -> Tensor {
        // The adjoint of the above: sums where that has means, the kernel turned round.
        let (weight, bias) = used()
        let turned = Self.spread(weight.flipped([2, 3])).transposed(0, 1) * 4
        return input.convTranspose2d(weight: turned, bias: bias, stride: 2, padding: 1)
    }

    /// [out, in, 3, 3] to [out, in, 4, 4]: means of 2 x 2 with zeros around.
    private static func spread(_ weight: Tensor) -> Tensor {
        weight.padded([1, 1, 1, 1]).averagePool2d(2, stride: 1)
    }
}
