// Memory of large blocks that is reused, for libtorch's CPU tensors and for the scratch memory of kernels.
//
// The C library returns each large block to the system, which clears its pages for the next tensor. A training step
// allocates the same sizes again and again, so keeping them saves that time.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kernels {

/// Allocates at least `size` bytes, aligned to 64. `give_block` frees them and needs the same size.
void *take_block(size_t size);
void give_block(void *memory, size_t size) noexcept;

/// Scratch memory of one kernel call.
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

}  // namespace kernels
