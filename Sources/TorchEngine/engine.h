// Shared by the engine's files: ownership, the one guard that catches everything, conversions.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/Generator.h>
#include <c10/util/Exception.h>
#include <torch/headeronly/version.h>

#include <stdexcept>
#include <string>
#include <string_view>

#include "ctorch_api.h"

#if TORCH_VERSION_MAJOR != 2 || TORCH_VERSION_MINOR < 11
#error "FaceGAN needs libtorch 2.11 or later, below 3: run `make setup`"
#endif

namespace engine {

void set_error(const char *text) noexcept;

struct UnknownOperator : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Whether an error that is not of a type of its own means that memory ran out.
inline bool tells_exhaustion(std::string_view text) {
  // The CPU's allocator, CUDA's runtime and oneDNN; cuBLAS and cuDNN.
  for (auto sign : {"not enough memory", "can't allocate memory", "out of memory", "ALLOC_FAILED"})
    if (text.find(sign) != text.npos) return true;
  return false;
}

/// Runs `body`; turns every C++ exception into a status and a text.
template <class Body>
ct_status guard(Body &&body) noexcept {
  auto failed = [](const char *text) {
    set_error(text);
    return tells_exhaustion(text) ? CT_OUT_OF_MEMORY : CT_ERROR;
  };
  try {
    body();
    return CT_OK;
  } catch (const UnknownOperator &error) {
    set_error(error.what());
    return CT_NO_OPERATOR;
  } catch (const c10::OutOfMemoryError &error) {
    set_error(error.what_without_backtrace());
    return CT_OUT_OF_MEMORY;
  } catch (const std::bad_alloc &) {
    set_error("out of memory");
    return CT_OUT_OF_MEMORY;
  } catch (const c10::Error &error) {
    return failed(error.what_without_backtrace());
  } catch (const std::exception &error) {
    return failed(error.what());
  } catch (...) {
    return failed("unknown C++ exception");
  }
}

/// A new owned handle; counted.
ct_tensor own(at::Tensor tensor);
/// Gives a handle up.
void disown(ct_tensor tensor) noexcept;

inline const at::Tensor &get(ct_tensor tensor) { return *reinterpret_cast<const at::Tensor *>(tensor); }
inline at::Tensor get_or_none(ct_tensor tensor) { return tensor ? get(tensor) : at::Tensor(); }
inline at::Generator &get(ct_generator generator) { return *reinterpret_cast<at::Generator *>(generator); }

inline c10::Device device(int32_t type, int32_t index) {
  return c10::Device(static_cast<c10::DeviceType>(type), static_cast<c10::DeviceIndex>(index));
}

// The parts of the table.
void fill_tensors(ct_api &api);
void fill_calls(ct_api &api);
void fill_autograd(ct_api &api);
void fill_machine(ct_api &api);
void fill_graphs(ct_api &api);

}  // namespace engine
