// Version, threads, random generators, devices. libtorch_cuda is found at run time.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <dlfcn.h>

#include <mutex>

#include "engine.h"
#include "torch_kernels.h"

namespace engine {
namespace {

std::string cuda_notes;

/// Loads libtorch_cuda from libtorch's folder. Must be called before the first tensor exists.
void load_cuda() {
#ifndef __APPLE__
  Dl_info info;
  std::string (*inside)() = &at::get_cpu_capability;
  if (!dladdr(reinterpret_cast<void *>(inside), &info) || !info.dli_fname) return;
  std::string folder = info.dli_fname;
  folder = folder.substr(0, folder.rfind('/'));
  cuda_notes = "libtorch is in " + folder + "\n";
  auto path = folder + "/libtorch_cuda.so";
  if (dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL)) {
    cuda_notes += "loaded " + path + "\n";
  } else {
    const char *why = dlerror();
    cuda_notes += "no CUDA part: " + std::string(why ? why : "unknown") + "\n";
  }
#endif
}

int cuda_devices() { return at::hasCUDA() ? at::detail::getCUDAHooks().getNumGPUs() : 0; }

/// Index of a CUDA device that exists. Initializes CUDA, which libtorch otherwise does with the first tensor. The memory
/// statistics of a device do not exist before ("Invalid device argument").
c10::DeviceIndex cuda_device(int32_t index) {
  const int count = cuda_devices();
  TORCH_CHECK(index >= 0 && index < count, "there is no cuda:", index, "; CUDA devices: ", count);
  at::globalContext().lazyInitDevice(c10::DeviceType::CUDA);
  return static_cast<c10::DeviceIndex>(index);
}

/// Initializes the device.
at::Generator default_generator(int32_t type, int32_t index) {
  if (device(type, index).is_cuda()) cuda_device(index);
  return at::globalContext().defaultGenerator(device(type, type == 0 ? -1 : index));
}

}  // namespace

void fill_machine(ct_api &api) {
  load_cuda();
  api.version = []() noexcept {
    // The header has the version of the build; the loaded library lists its own version among its settings.
    static const std::string text = [] {
      const std::string settings = at::show_config(), key = "TORCH_VERSION=";
      auto start = settings.find(key);
      if (start == settings.npos) return std::string(TORCH_VERSION);
      start += key.size();
      return settings.substr(start, settings.find_first_of(", \n", start) - start);
    }();
    return text.c_str();
  };
  api.configuration = []() noexcept {
    static const std::string text = at::show_config();
    return text.c_str();
  };
  api.cpu_capability = []() noexcept {
    static const std::string text = at::get_cpu_capability();
    return text.c_str();
  };
  api.cuda_trace = []() noexcept { return cuda_notes.c_str(); };

  api.generator_new = [](int64_t seed, ct_generator *out) {
    return guard([&] {
      auto generator = at::detail::createCPUGenerator(static_cast<uint64_t>(seed));
      *out = reinterpret_cast<ct_generator>(new at::Generator(std::move(generator)));
    });
  };
  api.generator_free = [](ct_generator generator) { delete &get(generator); };
  api.generator_state = [](ct_generator generator, ct_tensor *out) {
    return guard([&] {
      std::lock_guard<std::mutex> lock(get(generator).mutex());
      *out = own(get(generator).get_state());
    });
  };
  api.generator_set_state = [](ct_generator generator, ct_tensor state) {
    return guard([&] {
      std::lock_guard<std::mutex> lock(get(generator).mutex());
      get(generator).set_state(get(state));
    });
  };
  api.device_generator = [](int32_t type, int32_t index, ct_generator *out) {
    return guard([&] {
      *out = reinterpret_cast<ct_generator>(new at::Generator(default_generator(type, index)));
    });
  };
  api.seed_device = [](int32_t type, int32_t index, int64_t seed) {
    return guard([&] {
      auto generator = default_generator(type, index);
      std::lock_guard<std::mutex> lock(generator.mutex());
      generator.set_current_seed(static_cast<uint64_t>(seed));
    });
  };

  api.threads = []() noexcept { return static_cast<int32_t>(at::get_num_threads()); };
  api.interop_threads = []() noexcept { return static_cast<int32_t>(at::get_num_interop_threads()); };
  api.set_threads = [](int32_t intra_op, int32_t inter_op) {
    return guard([&] {
      // The inter-op pool can be sized only once, before its first use.
      try {
        if (inter_op > 0 && at::get_num_interop_threads() != inter_op) at::set_num_interop_threads(inter_op);
      } catch (const c10::Error &) {
      }
      if (intra_op > 0) at::set_num_threads(intra_op);
    });
  };
  api.use_block_allocator = []() noexcept { kernels::use_block_allocator(); };
  api.set_flush_denormal = [](bool enabled) {
    return guard([&] { at::globalContext().setFlushDenormal(enabled); });
  };
  api.set_deterministic = [](bool enabled) {
    return guard([&] { at::globalContext().setDeterministicAlgorithms(enabled, /*warn_only=*/false); });
  };
  api.cuda_device_count = [] {
    int32_t count = 0;
    guard([&] { count = cuda_devices(); });
    return count;
  };
  api.synchronize = [](int32_t index) {
    return guard([&] { at::accelerator::synchronizeDevice(cuda_device(index)); });
  };
  api.cuda_memory = [](int32_t index, int64_t *allocated, int64_t *peak, int64_t *total) {
    return guard([&] {
      const auto device = cuda_device(index);
      const auto stats = at::accelerator::getDeviceStats(device);
      *allocated = stats.allocated_bytes[0].current;
      *peak = stats.allocated_bytes[0].peak;
      *total = static_cast<int64_t>(at::accelerator::getMemoryInfo(device).second);
    });
  };
  api.cuda_empty_cache = [] {
    return guard([] {
      if (cuda_devices() == 0) return;
      cuda_device(0);
      at::accelerator::emptyCache();
    });
  };
}

}  // namespace engine

extern "C" __attribute__((visibility("default"))) const ct_api *ct_engine_table(void) {
  static ct_api api;
  static std::once_flag once;
  std::call_once(once, [] {
    api.abi = CT_ABI;
    engine::fill_machine(api);
    engine::fill_tensors(api);
    engine::fill_calls(api);
    engine::fill_autograd(api);
    engine::fill_graphs(api);
  });
  return &api;
}

/// The libtorch version of the build, in the format of `aoti_torch_abi_version`.
extern "C" __attribute__((visibility("default"))) uint64_t ct_engine_built_for(void) { return TORCH_ABI_VERSION; }
