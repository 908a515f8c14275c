// See parallel.h.
#include "parallel.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>

#include <algorithm>
#include <exception>
#include <mutex>

namespace engine {
namespace {

/// The two entries of GNU's OpenMP that are needed, as libtorch itself has loaded it.
struct Threads {
  void (*run)(void (*)(void *), void *, unsigned, unsigned) = nullptr;
  int (*number)() = nullptr;

  Threads() {
    Dl_info info;
    int (*inside)() = &at::get_num_threads;
    if (!dladdr(reinterpret_cast<void *>(inside), &info) || !info.dli_fname) return;
    // A handle sees what the library depends on.
    void *library = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    if (!library) return;
    run = reinterpret_cast<decltype(run)>(dlsym(library, "GOMP_parallel"));
    number = reinterpret_cast<decltype(number)>(dlsym(library, "omp_get_thread_num"));
    if (!number) run = nullptr;
  }
};

const Threads &threads() {
  static const Threads found;
  return found;
}

struct Work {
  int64_t count, parts;
  void (*body)(void *, int64_t, int64_t);
  void *context;
  std::mutex mutex;
  std::exception_ptr error;

  void part(int64_t number) {
    try {
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
  Work work{.count = count, .parts = std::min<int64_t>(count, at::get_num_threads()), .body = body, .context = context};
  if (work.parts == 1 || !threads().run || at::in_parallel_region()) return body(context, 0, count);
  threads().run([](void *data) { static_cast<Work *>(data)->part(threads().number()); }, &work,
                static_cast<unsigned>(work.parts), 0);
  if (work.error) std::rethrow_exception(work.error);
}

}  // namespace engine
