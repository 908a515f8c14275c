#include "block_allocator.h"
#include "torch_kernels.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <mutex>
#include <new>
#include <unordered_map>

namespace kernels {
namespace {

/// Smaller blocks come from the C library.
constexpr size_t LARGE = 1 << 18;
/// Smaller blocks come from the upper end of a gap, so that gaps between large blocks stay whole.
constexpr size_t FROM_ABOVE = 8 << 20;
constexpr size_t PAGE = 1 << 12, HUGE_PAGE = 1 << 21;

/// Blocks of one reserved address range. Free neighbors are merged, so the range grows little beyond what is in use at
/// once. Pages are not returned to the system.
class Blocks {
 public:
  Blocks() {
    // Reserved addresses use no memory. A limit on them (ulimit -v) may allow less.
    reserved_ = static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE) * 2 / HUGE_PAGE * HUGE_PAGE;
    void *found = MAP_FAILED;
    for (; reserved_ > HUGE_PAGE; reserved_ = reserved_ / 2 / HUGE_PAGE * HUGE_PAGE) {
      found = mmap(nullptr, reserved_ + HUGE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (found != MAP_FAILED) break;
    }
    if (found == MAP_FAILED) {
      reserved_ = 0;
      return;
    }
    base_ = reinterpret_cast<uintptr_t>(found);
    base_ = (base_ + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
#ifdef MADV_HUGEPAGE
    madvise(reinterpret_cast<void *>(base_), reserved_, MADV_HUGEPAGE);
#endif
  }

  void *take(size_t wanted) {
    const size_t size = (wanted + PAGE - 1) / PAGE * PAGE;
    std::lock_guard<std::mutex> lock(mutex_);
    // The smallest free range that is large enough.
    auto found = free_.end();
    for (auto range = free_.begin(); range != free_.end(); range++)
      if (range->second >= size && (found == free_.end() || range->second < found->second)) found = range;
    if (found == free_.end()) {
      auto last = free_.empty() ? free_.end() : std::prev(free_.end());
      const bool touchesEnd = last != free_.end() && last->first + last->second == end_;
      const size_t start = touchesEnd ? last->first : end_;
      if (size > reserved_ || start > reserved_ - size || !open(start + size)) throw std::bad_alloc();
      if (touchesEnd) last->second = size;
      found = touchesEnd ? last : free_.emplace(end_, size).first;
      end_ = start + size;
    }
    const auto [from, length] = *found;
    const size_t rest = length - size, start = size < FROM_ABOVE ? from + rest : from;
    free_.erase(found);
    if (rest > 0) free_.emplace(start == from ? from + size : from, rest);
    taken_[start] = size;
    return reinterpret_cast<void *>(base_ + start);
  }

  /// Frees a block. False for memory that is not a block of this range.
  bool give(void *memory) {
    const uintptr_t address = reinterpret_cast<uintptr_t>(memory);
    if (address < base_ || address >= base_ + reserved_) return false;
    std::lock_guard<std::mutex> lock(mutex_);
    auto block = taken_.find(address - base_);
    TORCH_CHECK(block != taken_.end(), "block allocator: ", memory, " is freed twice or is not the start of a block");
    auto [start, size] = *block;
    taken_.erase(block);
    auto next = free_.lower_bound(start);
    if (next != free_.end() && next->first == start + size) {
      size += next->second;
      next = free_.erase(next);
    }
    if (next != free_.begin()) {
      auto before = std::prev(next);
      if (before->first + before->second == start) {
        before->second += size;
        return true;
      }
    }
    free_.emplace_hint(next, start, size);
    return true;
  }

 private:
  /// Makes the first `size` bytes of the range readable and writable.
  bool open(size_t size) {
    if (size <= open_) return true;
    size = std::min(reserved_, (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE);
    if (mprotect(reinterpret_cast<void *>(base_ + open_), size - open_, PROT_READ | PROT_WRITE) != 0) return false;
    open_ = size;
    return true;
  }

  std::mutex mutex_;
  uintptr_t base_ = 0;
  // Offsets from the base: end of the range, end of the usable part, highest end of a block so far.
  size_t reserved_ = 0, open_ = 0, end_ = 0;
  // Sizes by start.
  std::map<size_t, size_t> free_;
  std::unordered_map<size_t, size_t> taken_;
};

Blocks &blocks() {
  // Never destroyed: tensors may outlive static objects.
  static auto *all = new Blocks;
  return *all;
}

/// The allocator of small blocks.
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
  // libtorch also frees by address alone.
  c10::DeleterFnPtr raw_deleter() const override { return &free_any; }
  void copy_data(void *to, const void *from, size_t count) const override { default_copy_data(to, from, count); }

 private:
  static void free_any(void *memory) {
    if (memory && !blocks().give(memory)) c_library()->raw_deallocate(memory);
  }
};

}  // namespace

void use_block_allocator() {
  // Before the allocator is replaced, which `c_library` would find otherwise.
  c_library();
  static auto *allocator = new LargeBlockAllocator;
  // Above the priority of libtorch's own allocator.
  c10::SetCPUAllocator(allocator, 1);
}

void *take_block(size_t size) {
  return size < LARGE ? ::operator new(size, std::align_val_t(64)) : blocks().take(size);
}

void give_block(void *memory, size_t size) noexcept {
  if (size < LARGE) ::operator delete(memory, std::align_val_t(64));
  else blocks().give(memory);
}

}  // namespace kernels
