// Convolutions as products over tiles: F(4x4, 2x2) and F(2x4, 3x3) of Lavin and Gray (arXiv:1509.09308), with strided
// kernels brought to stride 1 by space-to-depth (Radford's 4x4 at stride 2 is a 2x2 on four times the channels).
//
// A convolution and its two gradients are three sums over the same products big x small x weight; a transposed
// convolution is the gradient of one. Each is the adjoint of the others, so the three are closed under differentiation.
#pragma once

#include <ATen/core/Tensor.h>

#include "change.h"
#include "elements.h"

namespace kernels {

/// Shape of the pictures, the tiles and the kernel. "Big" is the input of a convolution, "small" its output.
struct TileShape {
  int64_t pictures;
  // Big pictures [pictures, height, width, channels].
  int64_t height, width, channels;
  // Small pictures [pictures, rows, columns, filters].
  int64_t rows, columns, filters;
  int64_t kernel, stride, padding;
  /// Data type of the products: float32 or bfloat16.
  at::ScalarType dtype;
  /// Groups of channels that are convolved separately. The kernels below support one group.
  int64_t groups = 1;
  /// Whether the weight is used many times before it changes, so that the time to pack it does not count.
  bool isConstant = false;

  /// Side of the kernel after space-to-depth: 2 or 3.
  int64_t taps() const { return (kernel + stride - 1) / stride; }
  /// Whether tiles have 4x4 results instead of 2x2; 2x4 for 3x3 kernels, for their precision in bfloat16. False if so few
  /// tiles share the weights that reading the weights dominates, if large tiles exceed the picture so far that they cost
  /// more, and in float32 for 3x3 kernels and with AVX-512, where it serves as a reference of bfloat16.
  bool has_large_tiles() const;
  /// Results of a tile.
  int64_t down() const { return has_large_tiles() && taps() == 2 ? 4 : 2; }
  int64_t across() const { return has_large_tiles() ? 4 : 2; }
  /// Products of a tile, for each channel.
  int64_t points() const { return (down() + taps() - 1) * (across() + taps() - 1); }
  /// Pixels of the big picture that space-to-depth merges into one.
  int64_t phases() const { return stride * stride; }
  int64_t tile_rows() const { return (rows + down() - 1) / down(); }
  int64_t tile_columns() const { return (columns + across() - 1) / across(); }
  int64_t tiles_of_picture() const { return tile_rows() * tile_columns(); }
  int64_t tiles() const { return pictures * tiles_of_picture(); }

 private:
  /// Products for a picture and a channel with tiles of this many results.
  int64_t products(int64_t down, int64_t across) const {
    return (rows + down - 1) / down * (down + taps() - 1) * ((columns + across - 1) / across * (across + taps() - 1));
  }
};

/// Pictures, dense in channels-last order, and the change of their pixels as they are read.
struct Seen {
  const at::Tensor &pictures;
  Change change;

  Seen(const at::Tensor &pictures, Change change = {}) : pictures(pictures), change(change) {}
};

/// Whether the kernels below support this shape on this machine and are faster than libtorch.
bool tiles_win(const TileShape &shape);
/// The same for `tile_adjoint` alone, which has a form for a big picture of a few channels.
bool thin_adjoint_wins(const TileShape &shape);

// Pictures have the data type of the products; weights are float32 [filters, channels / groups, kernel, kernel].

/// small = big * weight, changed before it is written.
at::Tensor tile_forward(const TileShape &shape, const Seen &big, const at::Tensor &weight, const Change &finish = {});
/// The gradient of `tile_forward` with respect to big: a transposed convolution of small.
at::Tensor tile_adjoint(const TileShape &shape, const Seen &small, const at::Tensor &weight, const Change &finish = {});
/// The gradient of `tile_forward` with respect to weight.
at::Tensor tile_weight(const TileShape &shape, const Seen &big, const Seen &small);

/// Whether `point_adjoint` supports this shape on this machine and is faster than libtorch.
bool point_adjoint_wins(const TileShape &shape);
/// `tile_adjoint` of small pictures of one pixel without padding, which is one matrix product. The bits of a picture do not
/// depend on the others.
at::Tensor point_adjoint(const TileShape &shape, const at::Tensor &small, const at::Tensor &weight,
                         const Change &finish);

}  // namespace kernels
