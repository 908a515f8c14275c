import Torch
import TorchNN

// Resampling by 2 beside a 3 x 3 convolution costs a quarter of the products when the strides do it: for means over pairs,
// (y[2j] + y[2j+1]) / 2 with y[i] = sum w[k] x[i+k-1] is sum w[k] b[2j+k] with b[m] = (x[m-1] + x[m]) / 2.
extension WeightedConvolution {
    /// The means of 2 x 2 pixels of this 3 x 3 convolution's result: [N, in, H, W] to [N, out, H / 2, W / 2].
    func thenHalved(_ input: Tensor) -> Tensor {
        let (weight, bias) = used()
        return input.averagePool2d(2, stride: 1, padding: 1).conv2d(weight: weight, bias: bias, stride: 2)
    }

    /// This 3 x 3 convolution of pictures whose pixels are doubled: [N, in, H, W] to [N, out, 2 H, 2 W].
    func ofDoubled(_ input: Tensor) -> Tensor {
        // The adjoint of the above: sums where that has means, the kernel turned round.
        let (weight, bias) = used()
        let turned = weight.flipped([2, 3]).transposed(0, 1) * 4
        return input.convTranspose2d(weight: turned, bias: bias, stride: 2).averagePool2d(2, stride: 1)
    }
}
