// Large blocks of memory, kept when they are given back.
#pragma once

#include <cstddef>
#include <cstdint>

namespace engine {

/// Makes libtorch take the large tensors of the CPU from here.
///
/// The C library would give each large block back to the system, which clears it page by page for the next tensor, or, told
/// to keep them, would cut them up until none fits any more. A training step asks for the same sizes again and again.
void keep_large_blocks();

/// At least `size` bytes on their own pages; `give_block` wants the same size.
void *take_block(size_t size);
void give_block(void *memory, size_t size) noexcept;

/// Memory for one call of a kernel.
template <class E>
class Scratch {
 public:
  explicit Scratch(int64_t count) : size_(count * sizeof(E)), memory_(static_cast<E *>(take_block(size_))) {}
  ~Scratch() { give_block(memory_, size_); }
  Scratch(const Scratch &) = delete;
  E *get() const { return memory_; }

 private:
  size_t size_;
  E *memory_;
};

}  // namespace engine
