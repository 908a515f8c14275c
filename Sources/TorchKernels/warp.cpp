// The operator facegan::warp: affine transformation of pictures on the CPU.
//
// A picture is upsampled with a filter, sampled bilinearly, and downsampled with the same filter reversed. All of this is
// linear in the picture and is done picture by picture, within the core's cache. The transpose is the gradient, and the
// gradient of the transpose is the operator again, so derivatives of every order exist. libtorch's grid_sampler has only
// the first.
#include <ATen/Version.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "elements.h"
#include "parallel.h"

namespace kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

/// A sparse linear map: weighted sums of input values.
struct Sums {
  struct Term {
    int32_t index;
    float single;
    double weight;

    template <class T>
    T as() const {
      return sizeof(T) == sizeof(float) ? static_cast<T>(single) : static_cast<T>(weight);
    }
  };
  /// The terms of sum s are starts[s]..<starts[s + 1].
  std::vector<int64_t> starts{0};
  std::vector<Term> terms;

  int64_t count() const { return static_cast<int64_t>(starts.size()) - 1; }

  /// The transposed map, to `size` values.
  Sums transposed(int64_t size) const {
    Sums result;
    result.starts.assign(size + 1, 0);
    for (const auto &term : terms) result.starts[term.index + 1]++;
    for (int64_t k = 0; k < size; k++) result.starts[k + 1] += result.starts[k];
    result.terms.resize(terms.size());
    std::vector<int64_t> next(result.starts.begin(), result.starts.end() - 1);
    for (int64_t sum = 0; sum < count(); sum++)
      for (int64_t e = starts[sum]; e < starts[sum + 1]; e++)
        result.terms[next[terms[e].index]++] = {static_cast<int32_t>(sum), terms[e].single, terms[e].weight};
    return result;
  }
};

/// Upsampling filter: sample k is the sum over pixels n of taps[k - factor * n].
struct Density {
  std::vector<double> taps;
  int64_t factor;
  /// Index of the sample at pixel 0.
  double center;
  /// Whether pictures are padded with zeros instead of reflections.
  bool isZeroOutside;

  int64_t samples(int64_t size) const { return factor * (size - 1) + static_cast<int64_t>(taps.size()); }

  /// Index of pixel n of a padded picture; -1 for zero.
  int64_t pixel(int64_t n, int64_t size) const {
    if (n >= 0 && n < size) return n;
    if (isZeroOutside) return -1;
    // Reflection does not repeat the pixel at the edge.
    const int64_t period = std::max<int64_t>(1, 2 * (size - 1));
    const int64_t place = (n % period + period) % period;
    return std::min(place, period - place);
  }

  /// Samples first..<first + count of a picture, padded unless `inside`.
  Sums sums(int64_t first, int64_t count, int64_t size, bool inside) const {
    Sums result;
    const int64_t length = static_cast<int64_t>(taps.size());
    for (int64_t k = first; k < first + count; k++) {
      const auto low = std::floor(static_cast<double>(k - length) / static_cast<double>(factor));
      for (int64_t n = static_cast<int64_t>(low) + 1; factor * n <= k; n++) {
        const int64_t from = inside ? (n >= 0 && n < size ? n : -1) : pixel(n, size);
        const double weight = taps[k - factor * n];
        if (from >= 0) result.terms.push_back({static_cast<int32_t>(from), static_cast<float>(weight), weight});
      }
      result.starts.push_back(static_cast<int64_t>(result.terms.size()));
    }
    return result;
  }
};

/// Memory layout of a picture.
struct Layout {
  int64_t channels, picture, channel, row, column;
};

struct Work {
  int64_t count, height, width;
  Layout layout;
  Density density;
  /// [count][2][3]: maps from output pixels to input pixels, x and y, relative to the center.
  const double *maps;
  bool isBack;
};

/// One axis of a picture and of the samples that its map reads.
struct Axis {
  int64_t size, frame, first, box;
  double alongX, alongY, start;
  Sums up, upBack, down, downBack;

  /// Position of output sample (column, row) among the samples of the picture.
  double at(int64_t column, int64_t row) const { return alongX * column + alongY * row + start; }

  void prepare(const Work &work, int64_t ownSize, int64_t columns, int64_t rows, const double *map) {
    const auto &density = work.density;
    const double factor = static_cast<double>(density.factor);
    size = ownSize;
    frame = density.samples(size);
    auto middle = [&](int64_t pixels) { return density.center + factor * static_cast<double>(pixels - 1) / 2; };
    alongX = map[0], alongY = map[1];
    start = factor * map[2] + middle(size) - alongX * middle(work.width) - alongY * middle(work.height);
    double low = at(0, 0), high = low;
    for (int64_t column : {int64_t(0), columns - 1})
      for (int64_t row : {int64_t(0), rows - 1}) low = std::min(low, at(column, row)), high = std::max(high, at(column, row));
    // A map that shrinks the picture so much that it reads more than this is an error.
    constexpr double MOST = 1 << 14;
    TORCH_CHECK(high - low < MOST && std::abs(low) < 1e9, "warp: a map leads too far from the picture: ", low, "...", high);
    // One more sample on each side: the loops may round a position to either side of a sample.
    first = static_cast<int64_t>(std::floor(low)) - 1;
    box = static_cast<int64_t>(std::floor(high)) + 3 - first;
    up = density.sums(first, box, size, false);
    downBack = density.sums(0, frame, size, true);
    down = downBack.transposed(size);
    if (work.isBack) upBack = up.transposed(size);
  }
};

struct Plan {
  Axis x, y;

  Plan(const Work &work, int64_t picture) {
    const double *map = work.maps + picture * 6;
    const int64_t columns = work.density.samples(work.width), rows = work.density.samples(work.height);
    x.prepare(work, work.width, columns, rows, map);
    y.prepare(work, work.height, columns, rows, map + 3);
  }
};

#define WITHOUT_VECTORS
#define LOOPS "warp_loops.h"
#include "instruction_sets.h"

at::Tensor run(const at::Tensor &given, const at::Tensor &maps, const at::Tensor &taps, bool isZeroOutside, bool isBack) {
  auto images = given.scalar_type() == at::kDouble ? given : given.to(at::kFloat);
  images = images.contiguous(images.suggest_memory_format());
  auto result = at::empty_like(images);
  if (images.numel() == 0) return result;
  Work work;
  work.count = images.size(0), work.height = images.size(2), work.width = images.size(3);
  // The stride of a dimension of size 1 is arbitrary. Both pictures have the same.
  work.layout = {images.size(1), images.stride(0), images.stride(1), images.stride(2), images.stride(3)};
  const double *values = read_elements<double>(taps);
  auto &density = work.density;
  density.isZeroOutside = isZeroOutside;
  density.factor = taps.numel() == 0 ? 1 : 2;
  density.taps = taps.numel() == 0 ? std::vector<double>{1} : std::vector<double>(values, values + taps.numel());
  double sum = 0, moment = 0;
  for (size_t k = 0; k < density.taps.size(); k++) sum += density.taps[k], moment += density.taps[k] * static_cast<double>(k);
  density.center = moment / sum;
  work.maps = read_elements<double>(maps);
  work.isBack = isBack;
  if (images.scalar_type() == at::kDouble)
    WITH_LOOPS(warp_pictures<double>(work, read_elements<double>(images), write_elements<double>(result)));
  else
    WITH_LOOPS(warp_pictures<float>(work, read_elements<float>(images), write_elements<float>(result)));
  return result.to(given.scalar_type());
}

struct Warp : Function<Warp> {
  static at::Tensor forward(AutogradContext *context, const at::Tensor &images, const at::Tensor &maps,
                            const at::Tensor &taps, bool isZeroOutside, bool isBack) {
    context->save_for_backward({maps, taps});
    context->saved_data["outside"] = isZeroOutside;
    context->saved_data["back"] = isBack;
    return run(images, maps, taps, isZeroOutside, isBack);
  }

  static variable_list backward(AutogradContext *context, variable_list gradients) {
    auto saved = context->get_saved_variables();
    auto of = Warp::apply(gradients[0], saved[0], saved[1], context->saved_data["outside"].toBool(),
                          !context->saved_data["back"].toBool());
    return {of, {}, {}, {}, {}};
  }
};

at::Tensor warp(const at::Tensor &images, const at::Tensor &maps, const at::Tensor &taps, bool isZeroOutside) {
  TORCH_CHECK(images.dim() == 4 && images.size(1) <= 4 && images.is_cpu() && at::isFloatingType(images.scalar_type()),
              "warp: expected pictures [N, C, H, W] of at most 4 channels on the CPU, got ", images.sizes());
  TORCH_CHECK(maps.is_cpu() && maps.scalar_type() == at::kDouble && maps.sizes() == at::IntArrayRef({images.size(0), 2, 3}),
              "warp: expected maps [N, 2, 3] in float64 on the CPU, got ", maps.sizes());
  TORCH_CHECK(taps.is_cpu() && taps.scalar_type() == at::kDouble && taps.dim() == 1,
              "warp: expected taps [count] in float64 on the CPU, got ", taps.sizes());
  TORCH_CHECK(taps.numel() == 0 || (taps.numel() <= 64 && std::abs(taps.sum().item<double>()) > 1e-6),
              "warp: expected at most 64 taps whose sum is not 0");
  return Warp::apply(images, maps.contiguous(), taps.contiguous(), isZeroOutside, false);
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(facegan, library) {
  library.def("warp(Tensor images, Tensor maps, Tensor taps, bool zero_outside) -> Tensor",
              torch::dispatch(c10::DispatchKey::CompositeImplicitAutograd, TORCH_FN(warp)));
}

}  // namespace kernels
