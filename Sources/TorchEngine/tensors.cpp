// Handles, host copies, properties of tensors.
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <atomic>
#include <cstring>

#include "engine.h"

namespace engine {
namespace {

thread_local std::string error_text;
std::atomic<int64_t> live{0};

}  // namespace

void set_error(const char *text) noexcept {
  try {
    error_text = text;
  } catch (...) {
  }
}

ct_tensor own(at::Tensor tensor) {
  auto *handle = new at::Tensor(std::move(tensor));
  live.fetch_add(1, std::memory_order_relaxed);
  return reinterpret_cast<ct_tensor>(handle);
}

void disown(ct_tensor tensor) noexcept {
  delete reinterpret_cast<at::Tensor *>(tensor);
  live.fetch_sub(1, std::memory_order_relaxed);
}

void fill_tensors(ct_api &api) {
  api.last_error = []() noexcept { return error_text.c_str(); };
  api.tensor_free = disown;
  api.live_tensors = []() noexcept { return live.load(std::memory_order_relaxed); };
  api.dimensions = [](ct_tensor tensor) noexcept { return static_cast<int32_t>(get(tensor).dim()); };
  api.sizes = [](ct_tensor tensor) noexcept { return get(tensor).sizes().data(); };
  api.strides = [](ct_tensor tensor) noexcept { return get(tensor).strides().data(); };
  api.element_count = [](ct_tensor tensor) noexcept { return get(tensor).numel(); };
  api.dtype = [](ct_tensor tensor) noexcept { return static_cast<int32_t>(get(tensor).scalar_type()); };
  api.device = [](ct_tensor tensor, int32_t *index) noexcept {
    auto device = get(tensor).device();
    *index = device.index();
    return static_cast<int32_t>(device.type());
  };
  api.is_contiguous = [](ct_tensor tensor, int32_t format) noexcept {
    return get(tensor).is_contiguous(static_cast<at::MemoryFormat>(format));
  };
  api.data = [](ct_tensor tensor) noexcept -> void * {
    return get(tensor).device().is_cpu() ? get(tensor).data_ptr() : nullptr;
  };
  api.from_bytes = [](const void *bytes, int64_t count, const int64_t *sizes, int32_t dimensions, int32_t dtype,
                      ct_tensor *out) {
    return guard([&] {
      auto tensor = at::empty(at::IntArrayRef(sizes, dimensions),
                              at::TensorOptions().dtype(static_cast<at::ScalarType>(dtype)));
      TORCH_CHECK(static_cast<int64_t>(tensor.nbytes()) == count, "from bytes: expected ", tensor.nbytes(),
                  " bytes for shape ", tensor.sizes(), ", got ", count);
      if (count > 0) std::memcpy(tensor.data_ptr(), bytes, count);
      *out = own(std::move(tensor));
    });
  };
  api.to_bytes = [](ct_tensor tensor, void *bytes, int64_t count) {
    return guard([&] {
      const auto source = get(tensor).detach();
      TORCH_CHECK(static_cast<int64_t>(source.nbytes()) == count, "to bytes: the tensor has ", source.nbytes(),
                  " bytes, the buffer ", count);
      if (count > 0) at::from_blob(bytes, source.sizes(), at::TensorOptions().dtype(source.dtype())).copy_(source);
    });
  };
}

}  // namespace engine
