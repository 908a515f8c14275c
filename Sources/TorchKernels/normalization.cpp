// Batch normalization in training and an activation in one operator, which reads and writes the pictures half as often as two;
// the same with a convolution; and the activation alone. One file, because libtorch's headers take longer to compile than the code.
#include <ATen/Version.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/leaky_relu_backward.h>
#include <ATen/ops/native_batch_norm_backward.h>
#include <ATen/ops/tensor.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "block_allocator.h"
#include "convolution.h"
#include "normalization.h"
#include "parallel.h"

namespace kernels {
namespace {

#define LOOPS "norm_loops.h"
#include "instruction_sets.h"

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

int64_t rows_of(const at::Tensor &x) { return x.size(0) * x.size(2) * x.size(3); }

/// Calls `body` with a value of x's element type.
template <class Body>
void typed(const at::Tensor &x, Body &&body) {
  if (x.scalar_type() == at::kFloat) body(float{});
  else body(c10::BFloat16{});
}

}  // namespace

void check_norm(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias, const at::Tensor &runningMean,
                const at::Tensor &runningVariance) {
  TORCH_CHECK(x.dim() == 4, "norm_activated: expected pictures [N, C, H, W], got ", x.sizes());
  const std::pair<const char *, const at::Tensor &> values[] = {
      {"weight", weight}, {"bias", bias}, {"running mean", runningMean}, {"running variance", runningVariance}};
  for (const auto &[name, value] : values) {
    TORCH_CHECK(value.dim() == 1 && value.numel() == x.size(1), "norm_activated: expected a ", name, " of ", x.size(1),
                " values, got ", value.sizes());
    TORCH_CHECK(value.device() == x.device(), "norm_activated: the ", name, " is on ", value.device(),
                ", the pictures are on ", x.device());
  }
}

bool norm_fits(const at::Tensor &x, const at::Tensor &weight) {
  return has_vectors() && x.dim() == 4 && x.is_cpu() && x.numel() > 0 && x.size(1) % 16 == 0 &&
         (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16) && weight.scalar_type() == at::kFloat &&
         weight.numel() == x.size(1) && rows_of(x) > 1 && x.is_contiguous(at::MemoryFormat::ChannelsLast);
}

Moments::Moments(const at::Tensor &x, at::Tensor runningMean, at::Tensor runningVariance, double momentum,
                 double epsilon) {
  const int64_t rows = rows_of(x), channels = x.size(1);
  mean = at::empty({channels}, x.options().dtype(at::kFloat));
  auto variance = at::empty_like(mean);
  typed(x, [&](auto element) {
    using E = decltype(element);
    WITH_LOOPS(moments(read_elements<E>(x), rows, channels, write_elements<float>(mean), write_elements<float>(variance)));
  });
  inverse = (variance + epsilon).rsqrt();
  runningMean.mul_(1 - momentum).add_(mean, momentum);
  runningVariance.mul_(1 - momentum).add_(variance, momentum * rows / std::max<int64_t>(1, rows - 1));
}

Normalization::Normalization(const Moments &moments, const at::Tensor &weight, const at::Tensor &bias, float slope)
    : slope_(slope) {
  // Read by pointer below.
  const auto weights = weight.to(at::kFloat).contiguous(), biases = bias.to(at::kFloat).contiguous();
  const float *m = read_elements<float>(moments.mean), *i = read_elements<float>(moments.inverse);
  const float *w = read_elements<float>(weights), *b = read_elements<float>(biases);
  for (int64_t c = 0; c < weights.numel(); c++) {
    scale_.push_back(w[c] * i[c]);
    shift_.push_back(b[c] - m[c] * scale_.back());
  }
}

at::Tensor changed(const Seen &seen) {
  const auto &x = seen.pictures;
  if (seen.change.is_none()) return x;
  auto y = at::empty_like(x);
  typed(x, [&](auto element) {
    using E = decltype(element);
    WITH_LOOPS(change_rows(read_elements<E>(x), rows_of(x), x.size(1), seen.change, write_elements<E>(y)));
  });
  return y;
}

std::vector<at::Tensor> norm_gradients(const at::Tensor &given, const at::Tensor &x, const at::Tensor &weight,
                                       const at::Tensor &bias, const Moments &moments, float slope) {
  const int64_t rows = rows_of(x), channels = x.size(1);
  auto gradient = given.to(x.scalar_type()).contiguous(at::MemoryFormat::ChannelsLast);
  const Normalization normalization(moments, weight, bias, slope);
  const Change change = normalization.change();
  const float *scale = change.scale, *shift = change.shift;
  std::vector<double> sums(2 * channels);
  auto ofX = at::empty_like(x);
  auto ofWeight = at::empty({channels}, x.options().dtype(at::kFloat)), ofBias = at::empty_like(ofWeight);
  const float *m = read_elements<float>(moments.mean), *i = read_elements<float>(moments.inverse);
  typed(x, [&](auto element) {
    using E = decltype(element);
    auto *g = read_elements<E>(gradient), *values = read_elements<E>(x);
    WITH_LOOPS(gradient_sums(g, values, rows, channels, m, scale, shift, slope, sums.data()));
    std::vector<float> byValue(channels), constant(channels);
    for (int64_t c = 0; c < channels; c++) {
      double toBias = sums[c], toWeight = sums[channels + c] * i[c];
      double factor = -scale[c] * i[c] * toWeight / rows;
      write_elements<float>(ofBias)[c] = static_cast<float>(toBias);
      write_elements<float>(ofWeight)[c] = static_cast<float>(toWeight);
      byValue[c] = static_cast<float>(factor);
      constant[c] = static_cast<float>(-scale[c] * toBias / rows - factor * m[c]);
    }
    WITH_LOOPS(input_gradient(g, values, rows, channels, scale, shift, slope, byValue.data(), constant.data(),
                              write_elements<E>(ofX)));
  });
  return {ofX, ofWeight, ofBias.to(bias.scalar_type())};
}

namespace {

struct NormActivated : Function<NormActivated> {
  static at::Tensor forward(AutogradContext *context, const at::Tensor &x, const at::Tensor &weight,
                            const at::Tensor &bias, const at::Tensor &runningMean, const at::Tensor &runningVariance,
                            double momentum, double epsilon, double slope) {
    const Moments moments(x, runningMean, runningVariance, momentum, epsilon);
    const Normalization normalization(moments, weight, bias, static_cast<float>(slope));
    context->save_for_backward({x, weight, bias, moments.mean, moments.inverse});
    context->saved_data["epsilon"] = epsilon;
    context->saved_data["slope"] = slope;
    return changed({x, normalization.change()});
  }

  static variable_list backward(AutogradContext *context, variable_list gradients) {
    auto saved = context->get_saved_variables();
    const auto &x = saved[0], &weight = saved[1], &bias = saved[2], &mean = saved[3], &inverse = saved[4];
    const double slope = context->saved_data["slope"].toDouble();
    auto results = at::GradMode::is_enabled()
                       ? differentiable(gradients[0], x, weight, bias, mean, inverse,
                                        context->saved_data["epsilon"].toDouble(), slope)
                       : norm_gradients(gradients[0], x, weight, bias, {mean, inverse}, static_cast<float>(slope));
    results.resize(8);
    return results;
  }

 private:
  /// The gradient through libtorch's operators, which have derivatives of every order.
  static variable_list differentiable(const at::Tensor &gradient, const at::Tensor &x, const at::Tensor &weight,
                                      const at::Tensor &bias, const at::Tensor &mean, const at::Tensor &inverse,
                                      double epsilon, double slope) {
    at::Tensor factors;
    {
      // The activation is piecewise linear: its second derivative is zero.
      at::NoGradGuard constant;
      auto scale = weight * inverse;
      auto inner = x * scale.view({1, -1, 1, 1}) + (bias - mean * scale).view({1, -1, 1, 1});
      factors = (inner > 0).to(gradient.scalar_type());
      factors = factors + (1 - factors) * slope;
    }
    auto [ofX, ofWeight, ofBias] = at::native_batch_norm_backward(
        gradient * factors, x, weight, {}, {}, mean, inverse, /*train=*/true, epsilon, {true, true, true});
    return {ofX, ofWeight, ofBias};
  }
};

}  // namespace

at::Tensor norm_activated(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias,
                          const at::Tensor &runningMean, const at::Tensor &runningVariance, double momentum,
                          double epsilon, double slope) {
  check_norm(x, weight, bias, runningMean, runningVariance);
  if (norm_fits(x, weight))
    return NormActivated::apply(x, weight, bias, runningMean, runningVariance, momentum, epsilon, slope);
  auto y = at::batch_norm(x, weight, bias, runningMean, runningVariance, true, momentum, epsilon, true);
  return slope == 0 ? y.relu_() : at::leaky_relu_(y, slope);
}

namespace {

// MARK: Before a convolution

/// Normalized and activated pictures are computed as the convolution reads them and are never stored.
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

// MARK: Activation alone

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

}  // namespace

TORCH_LIBRARY_FRAGMENT(facegan, library) {
  library.def(
      "norm_activated(Tensor input, Tensor weight, Tensor bias, Tensor running_mean, Tensor running_var, "
      "float momentum, float eps, float slope) -> Tensor",
      torch::dispatch(c10::DispatchKey::CompositeImplicitAutograd, TORCH_FN(norm_activated)));
  library.def(
      "norm_activated_convolution(Tensor input, Tensor scale, Tensor shift, Tensor running_mean, Tensor running_var, "
      "float momentum, float eps, float slope, Tensor weight, Tensor? bias, int stride, int padding, "
      "int output_padding, bool transposed) -> Tensor",
      torch::dispatch(c10::DispatchKey::CompositeImplicitAutograd, TORCH_FN(norm_activated_convolution)));
  library.def("leaky_relu_(Tensor(a!) input, float slope) -> Tensor(a!)",
              torch::dispatch(c10::DispatchKey::CompositeImplicitAutograd, TORCH_FN(leaky_relu_)));
}

}  // namespace kernels
