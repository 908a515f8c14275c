// The operator facegan::norm_activated_convolution: batch normalisation in training, an activation and a convolution in one.
// What lies between them is computed as the convolution reads it and kept by nobody.
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "convolution.h"
#include "normalization.h"

namespace engine {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

/// Of the convolution and of the normalisation before it.
struct Settings {
  int64_t stride, padding, outputPadding;
  bool isTransposed;
  double epsilon, slope;
};

struct NormConvolution : Function<NormConvolution> {
  static at::Tensor forward(AutogradContext *context, const at::Tensor &x, const at::Tensor &scale,
                            const at::Tensor &shift, const at::Tensor &weight, const at::Tensor &runningMean,
                            const at::Tensor &runningVariance, double momentum, const Settings &s,
                            const TileShape &shape) {
    const Moments moments(x, runningMean, runningVariance, momentum, s.epsilon);
    const Normalization normalization(moments, scale, shift, static_cast<float>(s.slope));
    context->save_for_backward({x, scale, shift, weight, moments.mean, moments.inverse});
    context->saved_data["sizes"] = std::vector<int64_t>{s.stride, s.padding, s.outputPadding, s.isTransposed};
    context->saved_data["numbers"] = std::vector<double>{s.epsilon, s.slope};
    const Seen seen(x, normalization.change());
    return s.isTransposed ? big_of(shape, seen, weight) : small_of(shape, seen, weight);
  }

  static variable_list backward(AutogradContext *context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto &x = saved[0], &scale = saved[1], &shift = saved[2], &weight = saved[3];
    const auto sizes = context->saved_data["sizes"].toIntVector();
    const auto numbers = context->saved_data["numbers"].toDoubleVector();
    const Settings s{sizes[0], sizes[1], sizes[2], sizes[3] != 0, numbers[0], numbers[1]};
    auto results = at::GradMode::is_enabled()
                       ? differentiable(gradients[0], {x, scale, shift, weight}, s)
                       : fast(context, gradients[0], x, scale, shift, weight, {saved[4], saved[5]}, s);
    results.resize(9);
    return results;
  }

 private:
  static variable_list fast(AutogradContext *context, const at::Tensor &gradient, const at::Tensor &x,
                            const at::Tensor &scale, const at::Tensor &shift, const at::Tensor &weight,
                            const Moments &moments, const Settings &s) {
    const auto slope = static_cast<float>(s.slope);
    const Call call(x, weight, s.stride, s.padding, s.outputPadding, s.isTransposed);
    const auto &shape = call.shape;
    const Normalization normalization(moments, scale, shift, slope);
    const Seen seen(x, normalization.change());
    auto output = dense(gradient, shape.dtype);
    at::Tensor ofWeight;
    if (context->needs_input_grad(3))
      ofWeight = s.isTransposed ? weight_of(shape, output, seen) : weight_of(shape, seen, output);
    if (!context->needs_input_grad(0) && !context->needs_input_grad(1) && !context->needs_input_grad(2))
      return {{}, {}, {}, ofWeight};
    auto inner = s.isTransposed ? small_of(shape, output, weight) : big_of(shape, output, weight);
    auto results = norm_gradients(inner, x, scale, shift, moments, slope);
    results.push_back(ofWeight);
    return results;
  }

  /// By the two operators that this one stands for, for gradients of gradients.
  static variable_list differentiable(const at::Tensor &gradient, const variable_list &inputs, const Settings &s) {
    // The running statistics have been moved.
    auto mean = at::zeros_like(inputs[1]), variance = at::ones_like(inputs[1]);
    auto inner = norm_activated(inputs[0], inputs[1], inputs[2], mean, variance, 0, s.epsilon, s.slope);
    auto output =
        convolution(inner, inputs[3], std::nullopt, s.stride, s.padding, s.outputPadding, s.isTransposed);
    variable_list asked;
    for (const auto &input : inputs)
      if (input.requires_grad()) asked.push_back(input);
    auto found = torch::autograd::grad({output}, asked, {gradient.to(output.scalar_type())}, /*retain_graph=*/true,
                                       /*create_graph=*/true);
    variable_list results;
    for (size_t k = 0, next = 0; k < inputs.size(); k++)
      results.push_back(inputs[k].requires_grad() ? found[next++] : at::Tensor());
    return results;
  }
};

at::Tensor norm_activated_convolution(const at::Tensor &x, const at::Tensor &scale, const at::Tensor &shift,
                                      const at::Tensor &runningMean, const at::Tensor &runningVariance,
                                      double momentum, double epsilon, double slope, const at::Tensor &weight,
                                      const std::optional<at::Tensor> &bias, int64_t stride, int64_t padding,
                                      int64_t outputPadding, bool transposed) {
  const Call call(x, weight, stride, padding, outputPadding, transposed);
  if (!call.isTiled || x.scalar_type() != call.shape.dtype || !norm_fits(x, scale)) {
    auto inner = norm_activated(x, scale, shift, runningMean, runningVariance, momentum, epsilon, slope);
    return convolution(inner, weight, bias, stride, padding, outputPadding, transposed);
  }
  const Settings settings{stride, padding, outputPadding, transposed, epsilon, slope};
  return with_bias(
      NormConvolution::apply(x, scale, shift, weight, runningMean, runningVariance, momentum, settings, call.shape),
      bias);
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(facegan, library) {
  library.def(
      "norm_activated_convolution(Tensor input, Tensor scale, Tensor shift, Tensor running_mean, Tensor running_var, "
      "float momentum, float eps, float slope, Tensor weight, Tensor? bias, int stride, int padding, "
      "int output_padding, bool transposed) -> Tensor",
      torch::dispatch(c10::DispatchKey::CompositeImplicitAutograd, TORCH_FN(norm_activated_convolution)));
}

}  // namespace engine
