// See parallel.h.
#include "parallel.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>

namespace kernels {
namespace {

using RunThreads = void (*)(void (*)(void *), void *, unsigned, unsigned);

/// Parts per thread. More than one, so that all threads finish at about the same time.
constexpr int64_t PARTS_OF_THREAD = 4;

/// The OpenMP runtime that libtorch has loaded; null if there is none.
RunThreads run_threads() {
  static const auto found = []() -> RunThreads {
    Dl_info info;
    int (*inside)() = &at::get_num_threads;
    if (!dladdr(reinterpret_cast<void *>(inside), &info) || !info.dli_fname) return nullptr;
    // A library's handle also finds the symbols of its dependencies.
    void *library = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    return library ? reinterpret_cast<RunThreads>(dlsym(library, "GOMP_parallel")) : nullptr;
  }();
  return found;
}

struct Work {
  int64_t count, parts;
  void (*body)(void *, int64_t, int64_t);
  void *context;
  std::atomic<int64_t> next{0};
  std::mutex mutex;
  std::exception_ptr error;

  /// Processes parts until none is left, so that a delayed thread does not delay the others.
  void take() {
    try {
      for (int64_t number; (number = next.fetch_add(1)) < parts;)
        body(context, count * number / parts, count * (number + 1) / parts);
    } catch (...) {
      std::lock_guard<std::mutex> lock(mutex);
      if (!error) error = std::current_exception();
    }
  }
};

}  // namespace

void split(int64_t count, void (*body)(void *, int64_t, int64_t), void *context) {
  if (count <= 0) return;
  const int64_t number = std::min<int64_t>(count, at::get_num_threads());
  if (number == 1 || !run_threads() || at::in_parallel_region()) return body(context, 0, count);
  Work work{.count = count, .parts = std::min(count, PARTS_OF_THREAD * number), .body = body, .context = context};
  run_threads()([](void *data) { static_cast<Work *>(data)->take(); }, &work, static_cast<unsigned>(number), 0);
  if (work.error) std::rethrow_exception(work.error);
}

}  // namespace kernels
