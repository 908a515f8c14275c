// The operator facegan::leaky_relu_: a leaky ReLU in place, with second derivatives that do not pass through its input.
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/leaky_relu_backward.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

namespace kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

/// The derivative of a leaky ReLU is constant except at 0. libtorch's derivative depends on the input with a derivative of
/// zeros, which the gradient of a penalty then carries through all layers before it.
struct LeakyReLU : Function<LeakyReLU> {
  static at::Tensor forward(AutogradContext *context, at::Tensor input, double slope) {
    at::leaky_relu_(input, slope);
    context->mark_dirty({input});
    context->save_for_backward({input});
    context->saved_data["slope"] = slope;
    return input;
  }

  static variable_list backward(AutogradContext *context, variable_list gradients) {
    // The result has the signs of the input.
    const auto result = context->get_saved_variables()[0].detach();
    const double slope = context->saved_data["slope"].toDouble();
    return {at::leaky_relu_backward(gradients[0], result, slope, true), {}};
  }
};

at::Tensor &leaky_relu_(at::Tensor &input, double slope) {
  TORCH_CHECK(slope >= 0, "leaky_relu_: expected a slope of 0 or more, got ", slope);
  if (!at::GradMode::is_enabled() || !input.requires_grad()) return at::leaky_relu_(input, slope);
  LeakyReLU::apply(input, slope);
  return input;
}

TORCH_LIBRARY_FRAGMENT(facegan, library) {
  library.def("leaky_relu_(Tensor(a!) input, float slope) -> Tensor(a!)",
              torch::dispatch(c10::DispatchKey::CompositeImplicitAutograd, TORCH_FN(leaky_relu_)));
}

}  // namespace
}  // namespace kernels
