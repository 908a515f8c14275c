// Convolutions by whichever kernels are faster here: products over tiles or the engine's own.
#pragma once

#include <vector>

#include "tiles.h"

namespace engine {

/// Pictures in a type and channels-last order.
at::Tensor dense(const at::Tensor &pictures, at::ScalarType dtype);

/// The numbers of a shape, as a tape keeps them, and the shape of such numbers.
std::vector<int64_t> numbers_of(const TileShape &shape);
TileShape shape_of(const std::vector<int64_t> &numbers);

// The sums of tiles.h.

at::Tensor small_of(const TileShape &shape, const Seen &big, const at::Tensor &weight, const Change &finish = {});
at::Tensor big_of(const TileShape &shape, const Seen &small, const at::Tensor &weight, const Change &finish = {});
at::Tensor weight_of(const TileShape &shape, const Seen &big, const Seen &small);

/// A convolution or, if `transposed`, its transpose, and how it is computed.
struct Call {
  TileShape shape;
  // Whether the output comes from tiles.
  bool isTiled = false;
  // Whether the engine's own convolution does all of it.
  bool isPlain = true;

  Call(const at::Tensor &input, const at::Tensor &weight, int64_t stride, int64_t padding, int64_t outputPadding,
       bool transposed);
};

/// A convolution of dense pictures or, if `transposed`, its transpose, with derivatives of every order.
at::Tensor convolved(const TileShape &shape, const at::Tensor &pictures, const at::Tensor &weight, bool transposed);

/// The operator facegan::convolution, which has derivatives of every order.
at::Tensor convolution(const at::Tensor &input, const at::Tensor &weight, const std::optional<at::Tensor> &bias,
                       int64_t stride, int64_t padding, int64_t outputPadding, bool transposed);

/// What a convolution's bias does to its output, which nobody else has seen yet.
at::Tensor with_bias(const at::Tensor &output, const std::optional<at::Tensor> &bias);

}  // namespace engine
