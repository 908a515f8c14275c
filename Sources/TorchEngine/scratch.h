// Memory that kernels use while they run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <mutex>
#include <new>
#include <utility>

namespace engine {

/// Blocks of memory on their own cache lines, kept for the next call: the system would clear them first.
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

/// Memory for one call.
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

}  // namespace engine
