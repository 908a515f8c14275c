#include "ctorch.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

// Present when the engine is linked into the program (a package that depends on the library product).
__attribute__((weak)) const ct_api *ct_engine_table(void);

// Atomic because it is read without the lock.
static _Atomic(const ct_api *) engine;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char trace[8192];
static _Thread_local char failure[4096];

static void note(const char *format, ...) {
  size_t used = strlen(trace);
  va_list list;
  va_start(list, format);
  vsnprintf(trace + used, sizeof trace - used, format, list);
  va_end(list);
}

const ct_api *ct_engine(void) { return engine; }
const char *ct_engine_trace(void) { return trace; }

static void *open_noted(const char *path, int binding) {
  void *handle = dlopen(path, binding | RTLD_GLOBAL);
  if (handle) {
    note("loaded %s\n", path);
  } else {
    snprintf(failure, sizeof failure, "%s", dlerror());
    note("failed %s: %s\n", path, failure);
  }
  return handle;
}

// Inlined code knows the layout of libtorch's classes, which changes from one minor version to the next.
static int made_for_this_libtorch(void *handle, const char *library) {
  uint64_t (*built)(void) = (uint64_t(*)(void))dlsym(handle, "ct_engine_built_for");
  uint64_t (*running)(void) = (uint64_t(*)(void))dlsym(handle, "aoti_torch_abi_version");
  uint64_t want = built ? built() : 0, have = running ? running() : 0;
  if (want >> 48 == have >> 48) return 1;
  snprintf(failure, sizeof failure,
           "%s was built for PyTorch %d.%d, and PyTorch %d.%d was found: build again for that one, or use another", library,
           (int)(want >> 56), (int)(want >> 48 & 255), (int)(have >> 56), (int)(have >> 48 & 255));
  note("failed %s\n", failure);
  return 0;
}

// Binds every symbol at once: a missing symbol is an error here, and would end the program at its first use otherwise.
static void *open_engine(const char *library) {
  void *handle = open_noted(library, RTLD_NOW);
  if (handle) return made_for_this_libtorch(handle, library) ? handle : NULL;
  // A library for another libtorch misses symbols. Bound lazily, it tells its version.
  char reason[sizeof failure];
  memcpy(reason, failure, sizeof reason);
  handle = dlopen(library, RTLD_LAZY | RTLD_LOCAL);
  if (handle && made_for_this_libtorch(handle, library))
    snprintf(failure, sizeof failure, "%.2000s does not fit this libtorch and must be built again: %.2000s", library, reason);
  return NULL;
}

static int load(const char *library, const char *folder) {
  char path[4096];
  if (ct_engine_table) {
    engine = ct_engine_table();
    note("the engine is linked into the program\n");
    return 1;
  }
  if (folder) {
    // By full path first, so that the engine's own references resolve to this copy.
    static const char *const libraries[] = {"libc10.so", "libtorch_cpu.so", "libc10.dylib", "libtorch_cpu.dylib"};
#ifdef __APPLE__
    const int first = 2;
#else
    const int first = 0;
#endif
    for (int i = first; i < first + 2; i++) {
      snprintf(path, sizeof path, "%s/%s", folder, libraries[i]);
      if (!open_noted(path, RTLD_NOW)) return 0;
    }
  }
  if (!library) {
    snprintf(failure, sizeof failure, "no engine library is linked or named");
    return 0;
  }
  void *handle = open_engine(library);
  if (!handle) return 0;
  const ct_api *(*table)(void) = (const ct_api *(*)(void))dlsym(handle, "ct_engine_table");
  if (!table || table()->abi != CT_ABI) {
    snprintf(failure, sizeof failure, "%s is of another version than this program", library);
    return 0;
  }
  engine = table();
  note("%s", engine->cuda_trace());
  return 1;
}

const char *ct_engine_load(const char *library, const char *folder) {
  pthread_mutex_lock(&lock);
  int ok = engine != NULL || load(library, folder);
  pthread_mutex_unlock(&lock);
  return ok ? NULL : failure;
}
