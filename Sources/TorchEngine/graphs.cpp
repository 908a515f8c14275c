// CUDA graphs, the stream of a thread, and speed settings of CUDA. No CUDA headers: libtorch_cuda is found at run time.
#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>
#include <c10/core/Allocator.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>

#if __has_include(<ATen/accelerator/Graph.h>)
#include <ATen/accelerator/Graph.h>
#define HAS_ACCELERATOR_GRAPH 1
#endif

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "engine.h"

namespace engine {
namespace {

using Pool = c10::MempoolId_t;

/// A graph of recorded device work.
struct Graph {
  virtual ~Graph() = default;
  virtual void begin(Pool pool) = 0;
  virtual void end() = 0;
  virtual void replay() = 0;
  virtual Pool pool() = 0;
};

#ifdef HAS_ACCELERATOR_GRAPH
struct AcceleratorGraph : Graph {
  at::accelerator::Graph graph;
  void begin(Pool pool) override { graph.capture_begin(pool, at::GraphCaptureMode::Global); }
  void end() override { graph.capture_end(); }
  void replay() override { graph.replay(); }
  Pool pool() override { return graph.pool(); }
};

bool has_accelerator_graph() { return at::has_graph_impl(c10::DeviceType::CUDA); }
#else
bool has_accelerator_graph() { return false; }
#endif

/// Exported functions of at::cuda::CUDAGraph. Its header needs the headers of CUDA, which wheels do not contain.
struct Symbols {
  void (*construct)(void *, bool) = nullptr;
  void (*destroy)(void *) = nullptr;
  void (*begin)(void *, Pool, int) = nullptr;
  void (*end)(void *) = nullptr;
  void (*replay)(void *) = nullptr;
  Pool (*pool)(void *) = nullptr;
  Pool (*pool_handle)() = nullptr;
  const char *missing = nullptr;

  Symbols() {
    find(construct, "_ZN2at4cuda9CUDAGraphC1Eb");
    find(destroy, "_ZN2at4cuda9CUDAGraphD1Ev");
    find(begin, "_ZN2at4cuda9CUDAGraph13capture_beginESt4pairIyyE21cudaStreamCaptureMode");
    find(end, "_ZN2at4cuda9CUDAGraph11capture_endEv");
    find(replay, "_ZN2at4cuda9CUDAGraph6replayEv");
    find(pool, "_ZN2at4cuda9CUDAGraph4poolEv");
    find(pool_handle, "_ZN2at4cuda17graph_pool_handleEv");
  }

  template <class Function>
  void find(Function &function, const char *name) {
    function = reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
    if (!function) missing = name;
  }

  static const Symbols &get() {
    static const Symbols symbols;
    return symbols;
  }
};

struct CUDAGraph : Graph {
  // The class has about 400 bytes in PyTorch 2.11 to 2.15.
  struct Free {
    void operator()(void *memory) const { std::free(memory); }
  };
  std::unique_ptr<void, Free> memory;

  CUDAGraph() : memory(std::aligned_alloc(64, 8192)) {
    TORCH_CHECK(memory, "out of memory");
    std::memset(memory.get(), 0, 8192);
    Symbols::get().construct(memory.get(), false);
  }
  ~CUDAGraph() override { Symbols::get().destroy(memory.get()); }
  // Mode 0 is cudaStreamCaptureModeGlobal. Backward passes run on threads of autograd, so a mode of one thread is not enough.
  void begin(Pool pool) override { Symbols::get().begin(memory.get(), pool, 0); }
  void end() override { Symbols::get().end(memory.get()); }
  void replay() override { Symbols::get().replay(memory.get()); }
  Pool pool() override { return Symbols::get().pool(memory.get()); }
};

std::unique_ptr<Graph> make_graph() {
#ifdef HAS_ACCELERATOR_GRAPH
  if (has_accelerator_graph()) return std::make_unique<AcceleratorGraph>();
#endif
  return std::make_unique<CUDAGraph>();
}

Graph &get(ct_graph graph) { return *reinterpret_cast<Graph *>(graph); }

}  // namespace

void fill_graphs(ct_api &api) {
  api.graph_obstacle = []() noexcept -> const char * {
    if (!at::hasCUDA()) return "libtorch has no CUDA part";
    if (has_accelerator_graph()) return nullptr;
    return Symbols::get().missing;
  };
  api.graph_new = [](ct_graph *out) {
    return guard([&] { *out = reinterpret_cast<ct_graph>(make_graph().release()); });
  };
  api.graph_free = [](ct_graph graph) { guard([&] { delete &get(graph); }); };
  api.graph_begin = [](ct_graph graph, ct_graph shared) {
    return guard([&] { get(graph).begin(shared ? get(shared).pool() : Pool{0, 0}); });
  };
  api.graph_end = [](ct_graph graph) { return guard([&] { get(graph).end(); }); };
  api.graph_replay = [](ct_graph graph) { return guard([&] { get(graph).replay(); }); };

  api.use_own_stream = [](int32_t index) {
    return guard([&] {
      at::globalContext().lazyInitDevice(c10::DeviceType::CUDA);
      const c10::Device device(c10::DeviceType::CUDA, static_cast<c10::DeviceIndex>(index));
      const c10::impl::VirtualGuardImpl cuda(c10::DeviceType::CUDA);
      if (cuda.getStream(device) != cuda.getDefaultStream(device)) return;
      // Streams of the pool do not wait for the default stream.
      at::accelerator::synchronizeDevice(device.index());
      cuda.exchangeStream(cuda.getStreamFromGlobalPool(device, true));
    });
  };
  api.synchronize_stream = [](int32_t index) {
    return guard([&] { at::accelerator::getCurrentStream(static_cast<c10::DeviceIndex>(index)).synchronize(); });
  };
  api.set_cuda_speed = [](bool benchmark, bool tf32) {
    return guard([&] {
      auto &context = at::globalContext();
      context.setBenchmarkCuDNN(benchmark);
      context.setAllowTF32CuDNN(tf32);
      context.setAllowTF32CuBLAS(tf32);
    });
  };
}

}  // namespace engine
