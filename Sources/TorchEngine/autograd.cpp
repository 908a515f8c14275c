// The tape: gradients, grad mode, autocast.
#include <ATen/autocast_mode.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#include "engine.h"

namespace engine {

void fill_autograd(ct_api &api) {
  api.requires_grad = [](ct_tensor tensor) noexcept { return get(tensor).requires_grad(); };
  api.set_requires_grad = [](ct_tensor tensor, bool value) {
    return guard([&] { get(tensor).set_requires_grad(value); });
  };
  api.grad_of = [](ct_tensor tensor, ct_tensor *out) {
    return guard([&] {
      const auto &grad = get(tensor).grad();
      *out = grad.defined() ? own(grad) : nullptr;
    });
  };
  api.set_grad = [](ct_tensor tensor, ct_tensor grad) {
    return guard([&] { get(tensor).mutable_grad() = get_or_none(grad); });
  };
  api.backward = [](ct_tensor loss, ct_tensor seed, bool retain_graph, bool create_graph) {
    return guard([&] {
      torch::autograd::variable_list seeds;
      if (seed) seeds.push_back(get(seed));
      torch::autograd::backward({get(loss)}, seeds, retain_graph, create_graph);
    });
  };
  api.gradients = [](const ct_tensor *outputs, int32_t output_count, const ct_tensor *inputs, int32_t input_count,
                     const ct_tensor *seeds, bool retain_graph, bool create_graph, ct_tensor *out) {
    return guard([&] {
      auto list = [](const ct_tensor *handles, int32_t count) {
        torch::autograd::variable_list tensors;
        for (int32_t k = 0; k < count; k++) tensors.push_back(get_or_none(handles[k]));
        return tensors;
      };
      auto result = torch::autograd::grad(list(outputs, output_count), list(inputs, input_count),
                                          seeds ? list(seeds, output_count) : torch::autograd::variable_list(),
                                          retain_graph, create_graph, /*allow_unused=*/true);
      for (int32_t k = 0; k < input_count; k++) out[k] = result[k].defined() ? own(result[k]) : nullptr;
    });
  };
  api.grad_mode = []() noexcept { return c10::GradMode::is_enabled(); };
  api.set_grad_mode = [](bool enabled) noexcept { c10::GradMode::set_enabled(enabled); };

  api.autocast = [](int32_t type, int32_t *dtype) noexcept {
    auto device = static_cast<c10::DeviceType>(type);
    *dtype = static_cast<int32_t>(at::autocast::get_autocast_dtype(device));
    return at::autocast::is_autocast_enabled(device);
  };
  api.set_autocast = [](int32_t type, bool enabled, int32_t dtype) {
    return guard([&] {
      auto device = static_cast<c10::DeviceType>(type);
      at::autocast::set_autocast_enabled(device, enabled);
      at::autocast::set_autocast_dtype(device, static_cast<at::ScalarType>(dtype));
    });
  };
  api.clear_autocast_cache = []() noexcept { at::autocast::clear_cache(); };
}

}  // namespace engine
