// See memory.h.
#include "memory.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <mutex>
#include <new>
#include <unordered_map>
#include <utility>
#include <vector>

namespace engine {
namespace {

/// Blocks below this size are the C library's.
constexpr size_t LARGE = 1 << 18;
constexpr size_t PAGE = 1 << 12, HUGE_PAGE = 1 << 21;

class Blocks {
 public:
  void *take(size_t wanted) {
    const size_t size = (wanted + PAGE - 1) / PAGE * PAGE;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      // The smallest that is large enough, and not much too large.
      auto found = free_.lower_bound(size);
      if (found != free_.end() && found->first <= size + size / 4) {
        void *memory = found->second;
        idle_ -= found->first;
        used_ += found->first;
        peak_ = std::max(peak_, used_);
        taken_[memory] = found->first;
        free_.erase(found);
        return memory;
      }
    }
    // Idle blocks fill what was used at other times, and no more.
    drop_idle(size);
    void *memory = map(size);
    if (!memory) {
      drop_idle(SIZE_MAX);
      memory = map(size);
    }
    if (!memory) throw std::bad_alloc();
    std::lock_guard<std::mutex> lock(mutex_);
    taken_[memory] = size;
    used_ += size;
    peak_ = std::max(peak_, used_);
    return memory;
  }

  /// False for memory that is not from here.
  bool give(void *memory) {
    std::lock_guard<std::mutex> lock(mutex_);
    auto found = taken_.find(memory);
    if (found == taken_.end()) return false;
    const size_t size = found->second;
    taken_.erase(found);
    used_ -= size;
    free_.emplace(size, memory);
    idle_ += size;
    return true;
  }

 private:
  /// Gives idle blocks back, the largest first, until `wanted` more fit below the most that was ever used.
  void drop_idle(size_t wanted) {
    std::vector<std::pair<size_t, void *>> dropped;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      const size_t most = peak_ + peak_ / 16;
      const size_t room = wanted < most && used_ < most - wanted ? most - wanted - used_ : 0;
      while (!free_.empty() && idle_ > room) {
        auto largest = std::prev(free_.end());
        idle_ -= largest->first;
        dropped.push_back(*largest);
        free_.erase(largest);
      }
    }
    for (auto [size, memory] : dropped) munmap(memory, size);
  }

  /// nullptr where there is no more.
  static void *map(size_t size) {
    void *memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return nullptr;
#ifdef MADV_HUGEPAGE
    if (size >= 2 * HUGE_PAGE) madvise(memory, size, MADV_HUGEPAGE);
#endif
    return memory;
  }

  std::mutex mutex_;
  std::multimap<size_t, void *> free_;
  std::unordered_map<void *, size_t> taken_;
  size_t idle_ = 0, used_ = 0, peak_ = 0;
};

Blocks &blocks() {
  // Never destroyed: tensors and threads may outlive the program's statics.
  static auto *all = new Blocks;
  return *all;
}

/// Whose small blocks these are.
c10::Allocator *c_library() {
  static auto *found = c10::GetDefaultCPUAllocator();
  return found;
}

struct LargeBlockAllocator : c10::Allocator {
  c10::DataPtr allocate(size_t size) override {
    void *memory = nullptr;
    if (size < LARGE) {
      if (size > 0) memory = c_library()->raw_allocate(size);
      return {memory, memory, &free_any, c10::Device(c10::DeviceType::CPU)};
    }
    try {
      memory = blocks().take(size);
    } catch (const std::bad_alloc &) {
      TORCH_CHECK_WITH(OutOfMemoryError, false, "not enough memory: you tried to allocate ", size, " bytes.");
    }
    return {memory, memory, &free_any, c10::Device(c10::DeviceType::CPU)};
  }
  // The engine also frees by address alone.
  c10::DeleterFnPtr raw_deleter() const override { return &free_any; }
  void copy_data(void *to, const void *from, size_t count) const override { default_copy_data(to, from, count); }

 private:
  static void free_any(void *memory) {
    if (memory && !blocks().give(memory)) c_library()->raw_deallocate(memory);
  }
};

}  // namespace

void keep_large_blocks() {
  static auto *allocator = new LargeBlockAllocator;
  // Above the default's priority, which libtorch sets when it is loaded.
  c10::SetCPUAllocator(allocator, 1);
}

void *take_block(size_t size) {
  return size < LARGE ? ::operator new(size, std::align_val_t(64)) : blocks().take(size);
}

void give_block(void *memory, size_t size) noexcept {
  if (size < LARGE) ::operator delete(memory, std::align_val_t(64));
  else blocks().give(memory);
}

}  // namespace engine
