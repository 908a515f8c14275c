// The operator facegan::norm_activated_convolution: batch normalization in training, an activation and a convolution. The
// normalized and activated pictures are computed as the convolution reads them and are never stored.
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "convolution.h"
#include "normalization.h"

namespace kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

struct NormConvolution : Function<NormConvolution> {
  static at::Tensor forward(AutogradContext *context, const at::Tensor &x, const at::Tensor &scale,
                            const at::Tensor &shift, const at::Tensor &weight, const at::Tensor &runningMean,
                            const at::Tensor &runningVariance, double momentum, double epsilon, double slope,
                            const TileShape &shape, bool isTransposed) {
    const Moments moments(x, runningMean, runningVariance, momentum, epsilon);
    const Normalization normalization(moments, scale, shift, static_cast<float>(slope));
    context->save_for_backward({x, scale, shift, weight, moments.mean, moments.inverse});
    context->saved_data["shape"] = numbers_of(shape);
    context->saved_data["isTransposed"] = isTransposed;
    context->saved_data["epsilon"] = epsilon;
    context->saved_data["slope"] = slope;
    const Seen seen(x, normalization.change());
    return isTransposed ? big_of(shape, seen, weight) : small_of(shape, seen, weight);
  }

  static variable_list backward(AutogradContext *context, variable_list gradients) {
    auto results = at::GradMode::is_enabled() ? differentiable(context, gradients[0]) : fast(context, gradients[0]);
    results.resize(11);
    return results;
  }

 private:
  static variable_list fast(AutogradContext *context, const at::Tensor &gradient) {
    const auto saved = context->get_saved_variables();
    const auto &x = saved[0], &scale = saved[1], &shift = saved[2], &weight = saved[3];
    const Moments moments(saved[4], saved[5]);
    const auto slope = static_cast<float>(context->saved_data["slope"].toDouble());
    const auto shape = shape_of(context->saved_data["shape"].toIntVector());
    const bool isTransposed = context->saved_data["isTransposed"].toBool();
    const Normalization normalization(moments, scale, shift, slope);
    const Seen seen(x, normalization.change());
    auto output = dense(gradient, shape.dtype);
    at::Tensor ofWeight;
    if (context->needs_input_grad(3))
      ofWeight = isTransposed ? weight_of(shape, output, seen) : weight_of(shape, seen, output);
    if (!context->needs_input_grad(0) && !context->needs_input_grad(1) && !context->needs_input_grad(2))
      return {{}, {}, {}, ofWeight};
    auto inner = isTransposed ? small_of(shape, output, weight) : big_of(shape, output, weight);
    auto results = norm_gradients(inner, x, scale, shift, moments, slope);
    results.push_back(ofWeight);
    return results;
  }

  /// The gradient through the two separate operators, which have derivatives of every order.
  static variable_list differentiable(AutogradContext *context, const at::Tensor &gradient) {
    const auto saved = context->get_saved_variables();
    const variable_list inputs(saved.begin(), saved.begin() + 4);
    // The forward pass has updated the running statistics already.
    auto mean = at::zeros_like(inputs[1]), variance = at::ones_like(inputs[1]);
    auto inner = norm_activated(inputs[0], inputs[1], inputs[2], mean, variance, 0,
                                context->saved_data["epsilon"].toDouble(), context->saved_data["slope"].toDouble());
    auto output = convolved(shape_of(context->saved_data["shape"].toIntVector()), inner, inputs[3],
                            context->saved_data["isTransposed"].toBool());
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
  check_norm(x, scale, shift, runningMean, runningVariance);
  const Call call(x, weight, bias, stride, padding, outputPadding, transposed);
  if (!call.isTiled || x.scalar_type() != call.shape.dtype || !norm_fits(x, scale)) {
    auto inner = norm_activated(x, scale, shift, runningMean, runningVariance, momentum, epsilon, slope);
    return convolution(inner, weight, bias, stride, padding, outputPadding, transposed);
  }
  return with_bias(NormConvolution::apply(x, scale, shift, weight, runningMean, runningVariance, momentum, epsilon,
                                          slope, call.shape, transposed),
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

}  // namespace kernels
