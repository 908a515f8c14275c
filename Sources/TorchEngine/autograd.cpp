// Autograd: gradients, grad mode, autocast.
#include <ATen/autocast_mode.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include <memory>
#include <vector>

#include "engine.h"

namespace engine {
namespace {

/// The caller's backward pass; lives as long as the graph.
struct Callback : torch::CustomClassHolder {
  ct_backward backward;
  void *context;
  void (*release)(void *);

  Callback(ct_backward backward, void *context, void (*release)(void *))
      : backward(backward), context(context), release(release) {}
  ~Callback() override { release(context); }
};

struct CallbackFunction : torch::autograd::Function<CallbackFunction> {
  static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &output,
                            at::TensorList inputs, c10::intrusive_ptr<Callback> callback) {
    context->saved_data["callback"] = c10::IValue::make_capsule(std::move(callback));
    context->saved_data["count"] = static_cast<int64_t>(inputs.size());
    return output.detach();
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                 torch::autograd::variable_list gradients) {
    TORCH_CHECK(!c10::GradMode::is_enabled(), "a recomputed part has no second derivatives");
    const auto count = static_cast<size_t>(context->saved_data["count"].toInt());
    auto callback = c10::static_intrusive_pointer_cast<Callback>(context->saved_data["callback"].toCapsule());
    // The first argument is the output's slot, the last one the callback; neither has a gradient.
    torch::autograd::variable_list found(count + 2);
    std::unique_ptr<bool[]> needed(new bool[count]);
    for (size_t k = 0; k < count; k++) needed[k] = context->needs_input_grad(k + 1);
    std::vector<ct_tensor> results(count, nullptr);
    callback->backward(callback->context, own(gradients[0]), needed.get(), results.data(), static_cast<int32_t>(count));
    for (size_t k = 0; k < count; k++) {
      if (!results[k]) continue;
      found[k + 1] = get(results[k]);
      disown(results[k]);
    }
    return found;
  }
};

/// Makes leaves accumulate gradients in these tensors during its lifetime.
class Lent {
 public:
  Lent(const torch::autograd::variable_list &leaves, const ct_tensor *tensors) : leaves_(leaves) {
    for (size_t k = 0; k < leaves.size(); k++) {
      before_.push_back(leaves[k].grad());
      leaves[k].mutable_grad() = get_or_none(tensors[k]);
    }
  }
  ~Lent() {
    for (size_t k = 0; k < before_.size(); k++) leaves_[k].mutable_grad() = before_[k];
  }
  Lent(const Lent &) = delete;

 private:
  torch::autograd::variable_list leaves_, before_;
};

}  // namespace

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
  api.add_gradients = [](ct_tensor output, const ct_tensor *leaves, int32_t count, ct_tensor *found) {
    return guard([&] {
      torch::autograd::variable_list inputs;
      for (int32_t k = 0; k < count; k++) inputs.push_back(get(leaves[k]));
      const Lent lent(inputs, found);
      torch::autograd::backward({get(output)}, {}, /*retain_graph=*/false, /*create_graph=*/false, inputs);
      for (int32_t k = 0; k < count; k++)
        if (!found[k] && inputs[k].grad().defined()) found[k] = own(inputs[k].grad());
    });
  };
  api.function = [](ct_tensor output, const ct_tensor *inputs, int32_t count, ct_backward backward, void *context,
                    void (*release)(void *), ct_tensor *out) {
    return guard([&] {
      // The graph owns the context from here on, also after a failure.
      auto callback = c10::make_intrusive<Callback>(backward, context, release);
      std::vector<at::Tensor> list;
      for (int32_t k = 0; k < count; k++) list.push_back(get(inputs[k]));
      auto result = CallbackFunction::apply(get(output), at::TensorList(list), std::move(callback));
      *out = own(result);
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
