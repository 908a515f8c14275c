// Includes lanes.h and the file that LOOPS names once for each instruction set. WITH_LOOPS(call) uses the widest one that
// this processor supports. Include it inside an anonymous namespace. With WITHOUT_VECTORS, the loops are also compiled for
// processors without these sets, and WITH_LOOPS uses them there.

#if defined(__x86_64__)
#define NARROW_SET "avx2,fma,f16c,bmi,bmi2,lzcnt,popcnt"
#define WIDE_SET NARROW_SET ",avx512f,avx512bw,avx512cd,avx512dq,avx512vl"
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target(WIDE_SET))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target(WIDE_SET)
#endif
namespace wide {
constexpr bool IS_WIDE = true;
#include "lanes.h"
#include LOOPS
}  // namespace wide
#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target(NARROW_SET))), apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target(NARROW_SET)
#endif
namespace narrow {
constexpr bool IS_WIDE = false;
#include "lanes.h"
#include LOOPS
}  // namespace narrow
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

/// The instruction set, also limited by ATEN_CPU_CAPABILITY as in libtorch.
bool has_wide() {
  static const bool has = __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                          __builtin_cpu_supports("avx512dq") && at::get_cpu_capability() == "AVX512";
  return has;
}
/// Whether any of the loops can be used.
bool has_vectors() {
  static const bool has = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return has;
}
#endif

#if !defined(__x86_64__) || defined(WITHOUT_VECTORS)
namespace plain {
constexpr bool IS_WIDE = false;
#include "lanes.h"
#include LOOPS
}  // namespace plain
#endif

#if !defined(__x86_64__)
bool has_vectors() { return false; }
#define WITH_LOOPS(call) plain::call
#elif defined(WITHOUT_VECTORS)
#define WITH_LOOPS(call) (!has_vectors() ? plain::call : has_wide() ? wide::call : narrow::call)
#else
#define WITH_LOOPS(call) (has_wide() ? wide::call : narrow::call)
#endif
