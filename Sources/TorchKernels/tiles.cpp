// The three sums of tiles.h, and the cache of packed weights.
#include "tiles.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/native/CPUBlas.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <type_traits>
#include <utility>
#include <vector>

#include "block_allocator.h"
#include "normalization.h"
#include "parallel.h"

namespace kernels {
namespace {

/// Whether one vector can hold all phases of a pixel of the big picture.
bool is_thin(const TileShape &s) { return s.stride == 2 && s.channels <= 4; }

#define LOOPS "tile_loops.h"
#include "instruction_sets.h"

/// Sum over the bits of a weight, to notice values that were written through another tensor of the same memory.
uint64_t checksum(const at::Tensor &weight) {
  if (!weight.is_non_overlapping_and_dense()) return 0;
  const auto *words = reinterpret_cast<const uint32_t *>(read_elements<float>(weight));
  const int64_t count = weight.numel();
  std::atomic<uint64_t> sum{0};
  constexpr int64_t GRAIN = 1 << 16;
  parallel((count + GRAIN - 1) / GRAIN, [&](int64_t first, int64_t last) {
    uint64_t part = 0;
    WITH_LOOPS(sum_words(words, first * GRAIN, std::min(count, last * GRAIN), part));
    sum.fetch_add(part, std::memory_order_relaxed);
  });
  return sum.load();
}

/// Weights packed as the loops read them, kept until the weights change or are freed. Weights that change after a few uses
/// are not kept.
class PackedWeights {
 public:
  at::Tensor get(const TileShape &shape, const at::Tensor &weight, bool isAdjoint) {
    if (weight.is_inference() || !weight.is_non_overlapping_and_dense()) return pack(shape, weight, isAdjoint);
    // The version misses writes through a tensor that shares the memory and not the counter.
    const uint64_t sum = checksum(weight);
    std::lock_guard<std::mutex> lock(mutex_);
    entries_.erase(std::remove_if(entries_.begin(), entries_.end(), [](auto &entry) { return entry.storage.expired(); }),
                   entries_.end());
    Entry &entry = entry_of(shape, weight, isAdjoint);
    // Keep them if these values, or the previous ones, were used several times. In float32 they take twice the memory of
    // bfloat16, and a smaller part of the time of a step.
    const int64_t least = shape.dtype == at::kFloat ? 4 : 2;
    bool keeps = entry.uses >= least;
    if (entry.version == weight._version() && entry.sum == sum) {
      entry.uses++;
      if (entry.packed.defined()) return entry.packed;
      keeps = entry.uses >= least;
    } else {
      entry.packed.reset();
      entry.version = weight._version(), entry.sum = sum, entry.uses = 1;
    }
    auto packed = pack(shape, weight, isAdjoint);
    if (keeps) entry.packed = packed;
    return packed;
  }

 private:
  struct Entry {
    c10::weak_intrusive_ptr<c10::StorageImpl> storage;
    int64_t offset;
    std::vector<int64_t> sizes, strides;
    int64_t stride, points;
    bool isAdjoint;
    at::ScalarType dtype;
    // The checksum of the most recent values, and how often they were used.
    int64_t version = -1, uses = 0;
    uint64_t sum = 0;
    at::Tensor packed = {};
  };

  Entry &entry_of(const TileShape &shape, const at::Tensor &weight, bool isAdjoint) {
    const auto *storage = weight.storage().unsafeGetStorageImpl();
    for (auto &entry : entries_)
      if (entry.storage._unsafe_get_target() == storage && entry.offset == weight.storage_offset() &&
          entry.sizes == weight.sizes() && entry.strides == weight.strides() && entry.stride == shape.stride &&
          entry.points == shape.points() && entry.isAdjoint == isAdjoint && entry.dtype == shape.dtype)
        return entry;
    entries_.push_back({weight.storage().getWeakStorageImpl(), weight.storage_offset(), weight.sizes().vec(),
                        weight.strides().vec(), shape.stride, shape.points(), isAdjoint, shape.dtype});
    return entries_.back();
  }

  static at::Tensor pack(const TileShape &shape, const at::Tensor &weight, bool isAdjoint) {
    auto dense = weight.contiguous(at::MemoryFormat::ChannelsLast);
    auto size = is_thin(shape) ? shape.taps() * shape.taps() * shape.filters * 16
                               : shape.points() * shape.phases() * shape.channels * shape.filters;
    auto packed = at::empty({size}, at::TensorOptions().dtype(shape.dtype));
    WITH_LOOPS(run_pack(shape, dense, isAdjoint, packed));
    return packed;
  }

  std::mutex mutex_;
  std::vector<Entry> entries_;
};

PackedWeights &packed_weights() {
  static PackedWeights weights;
  return weights;
}

}  // namespace

bool TileShape::has_large_tiles() const {
  // In float32, 3x3 kernels keep the smaller error of small tiles: the gradients of deep networks, such as VGG, jump where
  // an activation changes its sign.
  if (dtype == at::kFloat && (has_wide() || taps() == 3)) return false;
  const int64_t large = products(taps() == 2 ? 4 : 2, 4);
  // Large tiles of small maps need much memory for their weights, and time to pack them.
  const int64_t least = dtype == at::kFloat && isConstant ? 4 : 8;
  return rows >= least && columns >= least && large < products(2, 2);
}

/// Whether libtorch's brgemm accepts bfloat16 on this machine. It reports this only by throwing.
static bool multiplies_bfloat16() {
  static const bool can = [] {
    const c10::BFloat16 left[32] = {}, right[32 * 16] = {};
    float product[16];
    try {
      at::native::cpublas::brgemm(1, 16, 32, 32, 16, 16, false, left, right, product, true);
      at::native::cpublas::brgemm_release();
      return true;
    } catch (const c10::Error &) {
      return false;
    }
  }();
  return can;
}

/// The conditions of all kernels here.
static bool fits(const TileShape &shape) {
  return has_vectors() && shape.groups == 1 && (shape.taps() == 2 || shape.taps() == 3) && shape.stride <= 2 &&
         shape.filters % 16 == 0 &&
         (shape.dtype == at::kFloat || (shape.dtype == at::kBFloat16 && multiplies_bfloat16()));
}

bool thin_adjoint_wins(const TileShape &shape) {
  return fits(shape) && is_thin(shape) && shape.filters >= 32;
}

bool tiles_win(const TileShape &shape) {
  if (!fits(shape) || shape.channels % 16 != 0) return false;
  // Measured on AVX-512 with and without bfloat16, and on AVX2 (`make bench`, layers): with fewer channels libtorch's
  // convolution is faster for every picture size.
  const int64_t depth = shape.channels * shape.phases();
  return depth >= (shape.taps() == 2 ? 128 : shape.stride == 2 ? 256 : 64) && shape.filters >= 64;
}

bool point_adjoint_wins(const TileShape &s) {
  return has_vectors() && !has_wide() && s.dtype == at::kFloat && s.rows == 1 && s.columns == 1 && s.padding == 0 &&
         s.height == s.kernel && s.width == s.kernel && s.channels % 16 == 0;
}

at::Tensor point_adjoint(const TileShape &s, const at::Tensor &small, const at::Tensor &weight, const Change &finish) {
  auto big = at::empty({s.pictures, s.channels, s.height, s.width}, small.options(), at::MemoryFormat::ChannelsLast);
  const auto rows = small.contiguous(), factor = weight.contiguous(at::MemoryFormat::ChannelsLast);
  WITH_LOOPS(point_products(s.pictures, s.filters, s.kernel * s.kernel * s.channels, s.channels,
                            rows.const_data_ptr<float>(), factor.const_data_ptr<float>(), finish,
                            big.data_ptr<float>()));
  return big;
}

at::Tensor tile_forward(const TileShape &s, const Seen &big, const at::Tensor &weight, const Change &finish) {
  auto small = at::empty({s.pictures, s.filters, s.rows, s.columns}, big.pictures.options(),
                         at::MemoryFormat::ChannelsLast);
  WITH_LOOPS(run_forward(s, big, packed_weights().get(s, weight, false), finish, small));
  return small;
}

at::Tensor tile_adjoint(const TileShape &s, const Seen &small, const at::Tensor &weight, const Change &finish) {
  auto big = at::empty({s.pictures, s.channels, s.height, s.width}, small.pictures.options(),
                       at::MemoryFormat::ChannelsLast);
  const auto packed = packed_weights().get(s, weight, true);
  // With an output padding, no product reaches the last rows and columns: they are zero before `finish`.
  auto covered = [&](int64_t results) { return (results + s.taps() - 1) * s.stride - s.padding; };
  const bool isCovered =
      covered(s.tile_rows() * s.down()) >= s.height && covered(s.tile_columns() * s.across()) >= s.width;
  if (isCovered || is_thin(s)) {
    WITH_LOOPS(run_adjoint(s, small, packed, finish, big));
    return big;
  }
  big.zero_();
  WITH_LOOPS(run_adjoint(s, small, packed, {}, big));
  return changed({big, finish});
}

at::Tensor tile_weight(const TileShape &s, const Seen &big, const Seen &small) {
  auto gradient = at::empty({s.filters, s.channels, s.kernel, s.kernel}, big.pictures.options().dtype(at::kFloat),
                            at::MemoryFormat::ChannelsLast);
  WITH_LOOPS(run_weight(s, big, small, gradient));
  return gradient;
}

}  // namespace kernels
