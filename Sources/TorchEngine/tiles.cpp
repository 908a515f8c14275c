// The three products over tiles; see tiles.h.
#include "tiles.h"

#include "parallel.h"
#include <ATen/native/CPUBlas.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

namespace engine {
namespace {

/// Filters of which the products are held at once.
constexpr int64_t FILTERS_OF_BLOCK = 256;

/// Tiles whose points and products are held at once, so that they stay in a core's cache.
constexpr int64_t TILES_OF_BLOCK = 64;
/// Tiles that a product of the weight's gradient sums at once.
constexpr int64_t TILES_OF_CHUNK = 512;

/// Memory for one call, on its own cache lines; given back to a pool, because the system would clear it for the next.
class Pool {
 public:
  std::pair<void *, size_t> take(size_t size) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      // The smallest that is large enough.
      auto found = blocks_.lower_bound(size);
      if (found != blocks_.end() && found->first <= 2 * size + (1 << 16)) {
        std::pair<void *, size_t> block{found->second, found->first};
        blocks_.erase(found);
        return block;
      }
    }
    return {::operator new(size, std::align_val_t(64)), size};
  }
  void give(void *memory, size_t size) {
    std::lock_guard<std::mutex> lock(mutex_);
    blocks_.emplace(size, memory);
    // What the layers of one network need; those of others go, largest first.
    if (blocks_.size() > 64) {
      auto last = std::prev(blocks_.end());
      ::operator delete(last->second, std::align_val_t(64));
      blocks_.erase(last);
    }
  }
  static Pool &shared() {
    // Never destroyed: threads may end after the program's statics.
    static auto *pool = new Pool;
    return *pool;
  }

 private:
  std::mutex mutex_;
  std::multimap<size_t, void *> blocks_;
};

template <class E>
class Scratch {
 public:
  explicit Scratch(int64_t count) : block_(Pool::shared().take(count * sizeof(E))) {}
  ~Scratch() { Pool::shared().give(block_.first, block_.second); }
  Scratch(const Scratch &) = delete;
  E *get() const { return static_cast<E *>(block_.first); }

 private:
  std::pair<void *, size_t> block_;
};

// One copy of the loops for each instruction set.
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("arch=x86-64-v4"))), apply_to = function)
namespace wide {
#include "tile_kernels.h"
#include "tile_loops.h"
}  // namespace wide
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("arch=x86-64-v3"))), apply_to = function)
namespace narrow {
#include "tile_kernels.h"
#include "tile_loops.h"
}  // namespace narrow
#pragma clang attribute pop
#define WITH_LOOPS(call) (has_wide() ? wide::call : narrow::call)
bool has_wide() {
  static const bool has = __builtin_cpu_supports("x86-64-v4");
  return has;
}
bool has_any() {
  static const bool has = __builtin_cpu_supports("x86-64-v3");
  return has;
}
#else
namespace plain {
#include "tile_kernels.h"
#include "tile_loops.h"
}  // namespace plain
#define WITH_LOOPS(call) plain::call
bool has_any() { return false; }
#endif

/// Weights as the loops take them, kept until the weights change or go.
class PackedWeights {
 public:
  at::Tensor get(const TileShape &shape, const at::Tensor &weight, bool isAdjoint, at::ScalarType dtype) {
    if (weight.is_inference()) return pack(shape, weight, isAdjoint, dtype);
    std::lock_guard<std::mutex> lock(mutex_);
    entries_.erase(std::remove_if(entries_.begin(), entries_.end(), [](auto &entry) { return entry.storage.expired(); }),
                   entries_.end());
    const auto *storage = weight.storage().unsafeGetStorageImpl();
    for (auto &entry : entries_) {
      if (entry.storage._unsafe_get_target() != storage || entry.offset != weight.storage_offset() ||
          entry.sizes != weight.sizes() || entry.strides != weight.strides() || entry.stride != shape.stride ||
          entry.isAdjoint != isAdjoint || entry.packed.scalar_type() != dtype)
        continue;
      if (entry.version != weight._version()) {
        entry.packed.reset();
        entry.packed = pack(shape, weight, isAdjoint, dtype);
        entry.version = weight._version();
      }
      return entry.packed;
    }
    entries_.push_back({weight.storage().getWeakStorageImpl(), weight.storage_offset(), weight.sizes().vec(),
                        weight.strides().vec(), weight._version(), shape.stride, isAdjoint,
                        pack(shape, weight, isAdjoint, dtype)});
    return entries_.back().packed;
  }

 private:
  struct Entry {
    c10::weak_intrusive_ptr<c10::StorageImpl> storage;
    int64_t offset;
    std::vector<int64_t> sizes, strides;
    int64_t version, stride;
    bool isAdjoint;
    at::Tensor packed;
  };

  static at::Tensor pack(const TileShape &shape, const at::Tensor &weight, bool isAdjoint, at::ScalarType dtype) {
    auto dense = weight.contiguous(at::MemoryFormat::ChannelsLast);
    auto packed = at::empty({shape.points() * shape.phases() * shape.channels * shape.filters},
                            at::TensorOptions().dtype(dtype));
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

/// Whether the engine's products take bfloat16 on this machine; it says so only by refusing.
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

bool tiles_win(const TileShape &shape, at::ScalarType dtype) {
  if (!has_any() || shape.taps() < 2 || shape.taps() > 3 || shape.stride > 2 || shape.channels % 16 != 0 ||
      shape.filters % 16 != 0)
    return false;
  if (dtype != at::kFloat && (dtype != at::kBFloat16 || !multiplies_bfloat16())) return false;
  // Measured on AVX-512 with and without bfloat16, and on AVX2 (`make bench`, layers): thin products lose to the
  // engine's convolution whatever the pictures' size.
  const int64_t depth = shape.channels * shape.phases();
  return depth >= (shape.taps() == 2 ? 128 : shape.stride == 2 ? 256 : 64) && shape.filters >= 64;
}

at::Tensor tile_forward(const TileShape &s, const at::Tensor &big, const at::Tensor &weight) {
  auto small = at::empty({s.pictures, s.filters, s.rows, s.columns}, big.options(), at::MemoryFormat::ChannelsLast);
  WITH_LOOPS(run_forward(s, big, packed_weights().get(s, weight, false, big.scalar_type()), small));
  return small;
}

at::Tensor tile_adjoint(const TileShape &s, const at::Tensor &small, const at::Tensor &weight) {
  auto big = at::empty({s.pictures, s.channels, s.height, s.width}, small.options(), at::MemoryFormat::ChannelsLast);
  // The last row and column of a picture may lie under no tile.
  auto covered = [&](int64_t tiles) { return (2 * tiles + s.taps() - 1) * s.stride - s.padding; };
  if (covered(s.tile_rows()) < s.height || covered(s.tile_columns()) < s.width) big.zero_();
  WITH_LOOPS(run_adjoint(s, small, packed_weights().get(s, weight, true, small.scalar_type()), big));
  return big;
}

at::Tensor tile_weight(const TileShape &s, const at::Tensor &big, const at::Tensor &small) {
  auto gradient = at::empty({s.filters, s.channels, s.kernel, s.kernel}, big.options().dtype(at::kFloat),
                            at::MemoryFormat::ChannelsLast);
  WITH_LOOPS(run_weight(s, big, small, gradient));
  return gradient;
}

}  // namespace engine
