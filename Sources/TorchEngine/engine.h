// Shared by the engine's files: ownership, the one guard that catches everything, conversions.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/Generator.h>
#include <c10/util/Exception.h>
#include <torch/headeronly/version.h>

#include <string>

#include "ctorch_api.h"

#if TORCH_VERSION_MAJOR != 2 || TORCH_VERSION_MINOR < 11
#error "FaceGAN needs libtorch 2.11 or later, below 3: run `make setup`"
#endif

namespace engine {

void set_error(const char *text) noexcept;

/// Runs `body`; turns every C++ exception into a status and a text.
template <class Body>
ct_status guard(Body &&body) noexcept {
  try {
    body();
    return CT_OK;
  } catch (const c10::OutOfMemoryError &error) {
    set_error(error.what_without_backtrace());
    return CT_OUT_OF_MEMORY;
  } catch (const std::bad_alloc &error) {
    set_error("out of memory");
    return CT_OUT_OF_MEMORY;
  } catch (const c10::Error &error) {
    // The CPU's allocator reports exhaustion as a plain error.
    std::string_view text = error.what_without_backtrace();
    set_error(text.data());
    bool exhausted = text.find("not enough memory") != text.npos || text.find("can't allocate memory") != text.npos;
    return exhausted ? CT_OUT_OF_MEMORY : CT_ERROR;
  } catch (const std::exception &error) {
    set_error(error.what());
    return CT_ERROR;
  } catch (...) {
    set_error("unknown C++ exception");
    return CT_ERROR;
  }
}

/// A new owned handle; counted.
ct_tensor own(at::Tensor tensor);

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

}  // namespace engine
