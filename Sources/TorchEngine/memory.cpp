// See memory.h.
#include "memory.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <new>
#include <unordered_map>

namespace engine {
namespace {

/// Blocks below this size are the C library's.
constexpr size_t LARGE = 1 << 18;
constexpr size_t PAGE = 1 << 12, HUGE_PAGE = 1 << 21;
/// What may lie idle in any case.
constexpr size_t IDLE = 256 << 20;

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
        taken_[memory] = found->first;
        free_.erase(found);
        return memory;
      }
    }
    void *memory = map(size);
    std::lock_guard<std::mutex> lock(mutex_);
    taken_[memory] = size;
    used_ += size;
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
    if (idle_ + size > std::max(IDLE, used_)) {
      munmap(memory, size);
      return true;
    }
    free_.emplace(size, memory);
    idle_ += size;
    return true;
  }

 private:
  static void *map(size_t size) {
    void *memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
    if (size >= 2 * HUGE_PAGE) madvise(memory, size, MADV_HUGEPAGE);
#endif
    return memory;
  }

  std::mutex mutex_;
  std::multimap<size_t, void *> free_;
  std::unordered_map<void *, size_t> taken_;
  size_t idle_ = 0, used_ = 0;
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
