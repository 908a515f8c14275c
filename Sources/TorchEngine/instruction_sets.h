// Includes lanes.h and the file that LOOPS names once for each instruction set; WITH_LOOPS(call) takes the widest that
// this processor has. To be included inside an anonymous namespace.

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("arch=x86-64-v4"))), apply_to = function)
namespace wide {
#include "lanes.h"
#include LOOPS
}  // namespace wide
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("arch=x86-64-v3"))), apply_to = function)
namespace narrow {
#include "lanes.h"
#include LOOPS
}  // namespace narrow
#pragma clang attribute pop

/// Also what the engine was told to use (ATEN_CPU_CAPABILITY).
bool has_wide() {
  static const bool has = __builtin_cpu_supports("x86-64-v4") && at::get_cpu_capability() == "AVX512";
  return has;
}
/// Whether the loops may be used at all.
bool has_vectors() {
  static const bool has = __builtin_cpu_supports("x86-64-v3");
  return has;
}
#define WITH_LOOPS(call) (has_wide() ? wide::call : narrow::call)
#else
namespace plain {
#include "lanes.h"
#include LOOPS
}  // namespace plain

bool has_vectors() { return false; }
#define WITH_LOOPS(call) plain::call
#endif
