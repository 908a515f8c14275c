// The operator facegan::resampled: maps filtered by [1, 3, 3, 1] / 8 in both directions, on the CPU.
#include <ATen/Version.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>
#include <vector>

#include "block_allocator.h"
#include "elements.h"
#include "parallel.h"

namespace kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

/// Filter between sides: `up` and `down` are 1 or 2, and not both are 2.
struct Resampling {
  int64_t count = 0, height = 0, width = 0, channels = 0;
  int64_t up = 1, down = 1;
  // Zeros before the first row and column, 1 or 2. It is 1 if the side is doubled or halved.
  int64_t padding = 1;
  float gain = 1;

  /// Zeros before the first row of the picture with zeros between its rows.
  int64_t before() const { return up == 2 ? 2 : padding; }
  int64_t rows() const { return side(height); }
  int64_t columns() const { return side(width); }

 private:
  int64_t side(int64_t given) const {
    return up == 2 ? 2 * given : down == 2 ? given / 2 : given + 2 * padding - 3;
  }
};

#define WITHOUT_VECTORS
#define LOOPS "resampling_loops.h"
#include "instruction_sets.h"

at::Tensor run(const at::Tensor &given, const std::vector<int64_t> &form, double gain) {
  const auto maps = given.contiguous(at::MemoryFormat::ChannelsLast);
  const Resampling r{.count = maps.size(0), .height = maps.size(2), .width = maps.size(3), .channels = maps.size(1),
                     .up = form[0], .down = form[1], .padding = form[2], .gain = static_cast<float>(gain)};
  auto result = at::empty({r.count, r.channels, r.rows(), r.columns()}, maps.options(), at::MemoryFormat::ChannelsLast);
  if (result.numel() == 0) return result;
  if (maps.scalar_type() == at::kBFloat16)
    WITH_LOOPS(resample(r, read_elements<c10::BFloat16>(maps), write_elements<c10::BFloat16>(result)));
  else
    WITH_LOOPS(resample(r, read_elements<float>(maps), write_elements<float>(result)));
  return result;
}

/// The filter is symmetric, so its transpose is the filter with the sides exchanged.
struct Resampled : Function<Resampled> {
  static at::Tensor forward(AutogradContext *context, const at::Tensor &maps, const std::vector<int64_t> &form,
                            double gain) {
    context->saved_data["form"] = form;
    context->saved_data["gain"] = gain;
    return run(maps, form, gain);
  }

  static variable_list backward(AutogradContext *context, variable_list gradients) {
    const auto form = context->saved_data["form"].toIntVector();
    const bool keepsSide = form[0] == form[1];
    return {Resampled::apply(gradients[0], std::vector<int64_t>{form[1], form[0], keepsSide ? 3 - form[2] : 1},
                             context->saved_data["gain"].toDouble()),
            {}, {}};
  }
};

at::Tensor resampled(const at::Tensor &maps, int64_t up, int64_t down, int64_t padding, double gain) {
  TORCH_CHECK(maps.dim() == 4 && maps.is_cpu() && (maps.scalar_type() == at::kFloat || maps.scalar_type() == at::kBFloat16),
              "resampled: expected maps [N, C, H, W] of float32 or bfloat16 on the CPU, got ", maps.sizes());
  TORCH_CHECK((up == 1 || up == 2) && (down == 1 || down == 2) && up * down <= 2,
              "resampled: expected factors of 1 and 1, 2 and 1, or 1 and 2, got ", up, " and ", down);
  TORCH_CHECK(padding == 1 || (padding == 2 && up == down),
              "resampled: expected a padding of 1, or 2 without a factor, got ", padding);
  TORCH_CHECK(down == 1 || (maps.size(2) % 2 == 0 && maps.size(3) % 2 == 0),
              "resampled: expected even sides, got ", maps.sizes());
  TORCH_CHECK(padding == 2 || up * down == 2 || (maps.size(2) > 1 && maps.size(3) > 1),
              "resampled: expected sides above 1, got ", maps.sizes());
  return Resampled::apply(maps, std::vector<int64_t>{up, down, padding}, gain);
}

TORCH_LIBRARY_FRAGMENT(facegan, library) {
  library.def("resampled(Tensor maps, int up, int down, int padding, float gain) -> Tensor",
              torch::dispatch(c10::DispatchKey::CompositeImplicitAutograd, TORCH_FN(resampled)));
}

}  // namespace
}  // namespace kernels
