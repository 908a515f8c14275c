// The operator facegan::convolution: the engine's own convolution or products over tiles, whichever is faster here.
#include <ATen/autocast_mode.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv_transpose2d.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "tiles.h"

namespace engine {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

at::Tensor dense(const at::Tensor &pictures, at::ScalarType dtype) {
  return pictures.to(dtype).contiguous(at::MemoryFormat::ChannelsLast);
}

TileShape shape_of(const at::Tensor &big, at::IntArrayRef small, int64_t kernel, int64_t stride, int64_t padding) {
  return {.pictures = big.size(0), .height = big.size(2), .width = big.size(3), .channels = big.size(1),
          .rows = small[2], .columns = small[3], .filters = small[1],
          .kernel = kernel, .stride = stride, .padding = padding};
}

// Each of the three is differentiated by the other two, so that every order of derivative is there.

struct Small : Function<Small> {
  static at::Tensor forward(AutogradContext *context, const at::Tensor &big, const at::Tensor &weight, int64_t stride,
                            int64_t padding, int64_t rows, int64_t columns);
  static variable_list backward(AutogradContext *context, variable_list gradients);
};

struct Big : Function<Big> {
  static at::Tensor forward(AutogradContext *context, const at::Tensor &small, const at::Tensor &weight,
                            int64_t stride, int64_t padding, int64_t height, int64_t width);
  static variable_list backward(AutogradContext *context, variable_list gradients);
};

struct Weight : Function<Weight> {
  static at::Tensor forward(AutogradContext *context, const at::Tensor &big, const at::Tensor &small, int64_t kernel,
                            int64_t stride, int64_t padding);
  static variable_list backward(AutogradContext *context, variable_list gradients);
};

void keep(AutogradContext *context, const at::Tensor &first, const at::Tensor &second, int64_t stride,
          int64_t padding) {
  context->save_for_backward({first, second});
  context->saved_data["stride"] = stride;
  context->saved_data["padding"] = padding;
}
int64_t number(AutogradContext *context, const char *name) { return context->saved_data[name].toInt(); }

at::Tensor Small::forward(AutogradContext *context, const at::Tensor &big, const at::Tensor &weight, int64_t stride,
                          int64_t padding, int64_t rows, int64_t columns) {
  keep(context, big, weight, stride, padding);
  auto shape = shape_of(big, {big.size(0), weight.size(0), rows, columns}, weight.size(2), stride, padding);
  return tile_forward(shape, big, weight);
}

variable_list Small::backward(AutogradContext *context, variable_list gradients) {
  auto saved = context->get_saved_variables();
  const auto &big = saved[0], &weight = saved[1];
  auto small = dense(gradients[0], big.scalar_type());
  int64_t stride = number(context, "stride"), padding = number(context, "padding");
  at::Tensor ofBig, ofWeight;
  if (context->needs_input_grad(0)) ofBig = Big::apply(small, weight, stride, padding, big.size(2), big.size(3));
  if (context->needs_input_grad(1)) ofWeight = Weight::apply(big, small, weight.size(2), stride, padding);
  return {ofBig, ofWeight, {}, {}, {}, {}};
}

at::Tensor Big::forward(AutogradContext *context, const at::Tensor &small, const at::Tensor &weight, int64_t stride,
                        int64_t padding, int64_t height, int64_t width) {
  keep(context, small, weight, stride, padding);
  TileShape shape{.pictures = small.size(0), .height = height, .width = width, .channels = weight.size(1),
                  .rows = small.size(2), .columns = small.size(3), .filters = small.size(1),
                  .kernel = weight.size(2), .stride = stride, .padding = padding};
  return tile_adjoint(shape, small, weight);
}

variable_list Big::backward(AutogradContext *context, variable_list gradients) {
  auto saved = context->get_saved_variables();
  const auto &small = saved[0], &weight = saved[1];
  auto big = dense(gradients[0], small.scalar_type());
  int64_t stride = number(context, "stride"), padding = number(context, "padding");
  at::Tensor ofSmall, ofWeight;
  if (context->needs_input_grad(0)) ofSmall = Small::apply(big, weight, stride, padding, small.size(2), small.size(3));
  if (context->needs_input_grad(1)) ofWeight = Weight::apply(big, small, weight.size(2), stride, padding);
  return {ofSmall, ofWeight, {}, {}, {}, {}};
}

at::Tensor Weight::forward(AutogradContext *context, const at::Tensor &big, const at::Tensor &small, int64_t kernel,
                           int64_t stride, int64_t padding) {
  keep(context, big, small, stride, padding);
  return tile_weight(shape_of(big, small.sizes(), kernel, stride, padding), big, small);
}

variable_list Weight::backward(AutogradContext *context, variable_list gradients) {
  auto saved = context->get_saved_variables();
  const auto &big = saved[0], &small = saved[1];
  auto weight = gradients[0].to(at::kFloat);
  int64_t stride = number(context, "stride"), padding = number(context, "padding");
  at::Tensor ofBig, ofSmall;
  if (context->needs_input_grad(0)) ofBig = Big::apply(small, weight, stride, padding, big.size(2), big.size(3));
  if (context->needs_input_grad(1)) ofSmall = Small::apply(big, weight, stride, padding, small.size(2), small.size(3));
  return {ofBig, ofSmall, {}, {}, {}};
}

at::Tensor convolution(const at::Tensor &input, const at::Tensor &weight, const std::optional<at::Tensor> &bias,
                       int64_t stride, int64_t padding, int64_t outputPadding, bool transposed) {
  auto fallback = [&] {
    // By these names, because autocast knows them.
    return transposed ? at::conv_transpose2d(input, weight, bias, stride, padding, outputPadding)
                      : at::conv2d(input, weight, bias, stride, padding);
  };
  // What the engine would refuse, it refuses in its own words.
  if (input.dim() != 4 || weight.dim() != 4 || !input.is_cpu() || !weight.is_cpu() ||
      weight.scalar_type() != at::kFloat || weight.size(2) != weight.size(3) ||
      input.size(1) != weight.size(transposed ? 0 : 1) || input.numel() == 0)
    return fallback();
  auto dtype = at::autocast::is_autocast_enabled(at::kCPU) && input.scalar_type() != at::kDouble
                   ? at::autocast::get_autocast_dtype(at::kCPU)
                   : input.scalar_type();
  const int64_t kernel = weight.size(2);
  auto extent = [&](int64_t side) {
    return transposed ? (side - 1) * stride - 2 * padding + kernel + outputPadding
                      : (side + 2 * padding - kernel) / stride + 1;
  };
  const int64_t height = extent(input.size(2)), width = extent(input.size(3));
  if (height <= 0 || width <= 0) return fallback();
  TileShape shape{.pictures = input.size(0),
                  .height = transposed ? height : input.size(2),
                  .width = transposed ? width : input.size(3),
                  .channels = weight.size(1),
                  .rows = transposed ? input.size(2) : height,
                  .columns = transposed ? input.size(3) : width,
                  .filters = weight.size(0),
                  .kernel = kernel, .stride = stride, .padding = padding};
  if (!tiles_win(shape, dtype)) return fallback();

  auto pictures = dense(input, dtype);
  auto output = transposed ? Big::apply(pictures, weight, stride, padding, height, width)
                           : Small::apply(pictures, weight, stride, padding, height, width);
  if (bias && bias->defined()) output = output.add_(bias->to(dtype).view({1, -1, 1, 1}));
  return output;
}

TORCH_LIBRARY(facegan, library) {
  library.def(
      "convolution(Tensor input, Tensor weight, Tensor? bias, int stride, int padding, int output_padding, "
      "bool transposed) -> Tensor",
      torch::dispatch(c10::DispatchKey::CompositeImplicitAutograd, TORCH_FN(convolution)));
}

}  // namespace
}  // namespace engine
