// Work split over libtorch's own threads. libtorch's header does that only if the compiler uses the same OpenMP as the
// wheel, which clang does not on Linux. A second pool of threads would compete with the first one for the cores.
#pragma once

#include <cstdint>

namespace kernels {

/// Calls `body(context, first, last)` on parts of 0..<count; exceptions reach the caller.
void split(int64_t count, void (*body)(void *context, int64_t first, int64_t last), void *context);

/// Runs `body(first, last)` on parts of 0..<count.
template <class Body>
void parallel(int64_t count, Body &&body) {
  split(count, [](void *context, int64_t first, int64_t last) { (*static_cast<Body *>(context))(first, last); }, &body);
}

}  // namespace kernels
