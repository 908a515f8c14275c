// The operator facegan::pixels: pictures [N, C, H, W] in -1...1 to bytes [N, H, W, C] in one pass.
#include <ATen/Version.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <torch/library.h>

#include <algorithm>

#include "elements.h"
#include "parallel.h"

namespace kernels {
namespace {

#define LOOPS "pixel_loops.h"
#include "instruction_sets.h"

at::Tensor pixels(const at::Tensor &images) {
  TORCH_CHECK(images.dim() == 4, "pixels: expected [N, C, H, W], got ", images.sizes());
  if (!images.is_cpu() || !has_vectors())
    return ((images.to(at::kFloat).clamp(-1, 1) + 1) * 127.5).round().to(at::kByte).permute({0, 2, 3, 1}).contiguous();
  auto dense = (images.scalar_type() == at::kBFloat16 ? images : images.to(at::kFloat)).permute({0, 2, 3, 1}).contiguous();
  auto bytes = at::empty(dense.sizes(), dense.options().dtype(at::kByte));
  if (dense.scalar_type() == at::kBFloat16)
    WITH_LOOPS(to_bytes(read_elements<c10::BFloat16>(dense), dense.numel(), write_elements<uint8_t>(bytes)));
  else
    WITH_LOOPS(to_bytes(read_elements<float>(dense), dense.numel(), write_elements<uint8_t>(bytes)));
  return bytes;
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(facegan, library) {
  library.def("pixels(Tensor images) -> Tensor",
              torch::dispatch(c10::DispatchKey::CompositeImplicitAutograd, TORCH_FN(pixels)));
}

}  // namespace kernels
