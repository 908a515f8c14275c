// Convolutions by the faster of two implementations: products over tiles (tiles.h) or libtorch's operators.
#pragma once

#include <vector>

#include "tiles.h"

namespace kernels {

/// Pictures in a dtype, channels-last.
at::Tensor dense(const at::Tensor &pictures, at::ScalarType dtype);

/// A shape as integers, the form in which autograd saves it, and back.
std::vector<int64_t> numbers_of(const TileShape &shape);
TileShape shape_of(const std::vector<int64_t> &numbers);

// The three sums of tiles.h by the faster implementation.

at::Tensor small_of(const TileShape &shape, const Seen &big, const at::Tensor &weight, const Change &finish = {});
at::Tensor big_of(const TileShape &shape, const Seen &small, const at::Tensor &weight, const Change &finish = {});
at::Tensor weight_of(const TileShape &shape, const Seen &big, const Seen &small);

/// A convolution or, if `transposed`, a transposed convolution, and the implementation chosen for it.
struct Call {
  TileShape shape = {};
  // Whether the output is computed over tiles.
  bool isTiled = false;
  // Whether libtorch computes the output and all gradients.
  bool isPlain = true;

  /// Throws c10::Error for arguments that no convolution accepts.
  Call(const at::Tensor &input, const at::Tensor &weight, const std::optional<at::Tensor> &bias, int64_t stride,
       int64_t padding, int64_t outputPadding, bool transposed, int64_t groups = 1);
};

/// libtorch's convolution, except for shapes that it computes wrongly.
///
/// oneDNN's AVX2 weight gradient of a 1x1 convolution with a stride writes past its workspace when the input has 2 to 7
/// channels in channels-last float32 (PyTorch 2.13; Docs/Performance.md has the reproduction). On the CPU, every 1x1
/// convolution with a stride is computed as a slice followed by a 1x1 convolution, which gives the same sums.
/// oneDNN's AVX2 forward pass with a bias calls a kernel that does not exist for outputs that no pixel reaches. Where the
/// padding exceeds the kernel's extent, zeros are added to the pictures instead.
at::Tensor plain_convolution(const at::Tensor &input, const at::Tensor &weight, const std::optional<at::Tensor> &bias,
                             at::IntArrayRef stride, at::IntArrayRef padding, at::IntArrayRef dilation,
                             int64_t groups);

/// A convolution of dense pictures or, if `transposed`, a transposed one. Has derivatives of every order.
at::Tensor convolved(const TileShape &shape, const at::Tensor &pictures, const at::Tensor &weight, bool transposed);

/// The operator facegan::convolution. Has derivatives of every order. With several groups it runs on every device: all
/// derivatives are grouped convolutions, while libtorch computes second derivatives group by group.
at::Tensor convolution(const at::Tensor &input, const at::Tensor &weight, const std::optional<at::Tensor> &bias,
                       int64_t stride, int64_t padding, int64_t outputPadding, bool transposed,
                       int64_t groups = 1);

/// Adds a bias to an output in place.
at::Tensor with_bias(const at::Tensor &output, const std::optional<at::Tensor> &bias);

}  // namespace kernels
