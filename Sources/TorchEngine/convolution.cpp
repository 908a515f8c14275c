// The operator facegan::convolution: the engine's own convolution or products over tiles, whichever is faster here.
#include <ATen/autocast_mode.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/leaky_relu.h>
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

// Each sum by the faster kernel; the engine's own computes in the pictures' type.

at::Tensor small_of(const TileShape &shape, const at::Tensor &big, const at::Tensor &weight, Finish finish = {}) {
  if (tiles_win(shape, big.scalar_type())) return tile_forward(shape, big, weight, finish);
  return at::conv2d(big, weight.to(big.scalar_type()), {}, shape.stride, shape.padding);
}

at::Tensor big_of(const TileShape &shape, const at::Tensor &small, const at::Tensor &weight, Finish finish = {}) {
  auto dtype = small.scalar_type();
  if (tiles_win(shape, dtype) || thin_adjoint_wins(shape, dtype)) return tile_adjoint(shape, small, weight, finish);
  auto rest = [&](int64_t side, int64_t small) {
    return side - ((small - 1) * shape.stride - 2 * shape.padding + shape.kernel);
  };
  return at::conv_transpose2d(small, weight.to(dtype), {}, shape.stride, shape.padding,
                              {rest(shape.height, shape.rows), rest(shape.width, shape.columns)});
}

at::Tensor weight_of(const TileShape &shape, const at::Tensor &big, const at::Tensor &small) {
  if (tiles_win(shape, big.scalar_type())) return tile_weight(shape, big, small);
  // Only the shape of the weight counts.
  auto like = at::empty({shape.filters, shape.channels, shape.kernel, shape.kernel}, big.options(),
                        at::MemoryFormat::ChannelsLast);
  auto gradients = at::convolution_backward(small, big, like, {}, {shape.stride, shape.stride},
                                            {shape.padding, shape.padding}, {1, 1}, false, {0, 0}, 1,
                                            {false, true, false});
  return std::get<1>(gradients).to(at::kFloat);
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
  return small_of(shape, big, weight);
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
  return big_of(shape, small, weight);
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
  return weight_of(shape_of(big, small.sizes(), kernel, stride, padding), big, small);
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

/// A call of the operators below, and how it is computed.
struct Call {
  TileShape shape;
  at::ScalarType dtype;
  // Whether the engine's own convolution does all of it.
  bool isPlain = true;

  Call(const at::Tensor &input, const at::Tensor &weight, int64_t stride, int64_t padding, int64_t outputPadding,
       bool transposed) {
    // What the engine would refuse, it refuses in its own words.
    if (input.dim() != 4 || weight.dim() != 4 || !input.is_cpu() || !weight.is_cpu() ||
        weight.scalar_type() != at::kFloat || weight.size(2) != weight.size(3) ||
        input.size(1) != weight.size(transposed ? 0 : 1) || input.numel() == 0)
      return;
    dtype = at::autocast::is_autocast_enabled(at::kCPU) && input.scalar_type() != at::kDouble
                ? at::autocast::get_autocast_dtype(at::kCPU)
                : input.scalar_type();
    const int64_t kernel = weight.size(2);
    auto extent = [&](int64_t side) {
      return transposed ? (side - 1) * stride - 2 * padding + kernel + outputPadding
                        : (side + 2 * padding - kernel) / stride + 1;
    };
    const int64_t height = extent(input.size(2)), width = extent(input.size(3));
    if (height <= 0 || width <= 0) return;
    shape = {.pictures = input.size(0),
             .height = transposed ? height : input.size(2),
             .width = transposed ? width : input.size(3),
             .channels = weight.size(1),
             .rows = transposed ? input.size(2) : height,
             .columns = transposed ? input.size(3) : width,
             .filters = weight.size(0),
             .kernel = kernel, .stride = stride, .padding = padding};
    isPlain = !tiles_win(shape, dtype) && !thin_adjoint_wins(shape, dtype);
  }
};

at::Tensor convolution(const at::Tensor &input, const at::Tensor &weight, const std::optional<at::Tensor> &bias,
                       int64_t stride, int64_t padding, int64_t outputPadding, bool transposed) {
  Call call(input, weight, stride, padding, outputPadding, transposed);
  // By these names, because autocast knows them.
  if (call.isPlain)
    return transposed ? at::conv_transpose2d(input, weight, bias, stride, padding, outputPadding)
                      : at::conv2d(input, weight, bias, stride, padding);
  const auto &shape = call.shape;
  auto pictures = dense(input, call.dtype);
  auto output = transposed ? Big::apply(pictures, weight, stride, padding, shape.height, shape.width)
                           : Small::apply(pictures, weight, stride, padding, shape.rows, shape.columns);
  if (bias && bias->defined()) output = output.add_(bias->to(call.dtype).view({1, -1, 1, 1}));
  return output;
}

/// Without a tape: the convolution, then x where it is positive, else slope * x.
at::Tensor convolution_activated(const at::Tensor &input, const at::Tensor &weight,
                                 const std::optional<at::Tensor> &bias, int64_t stride, int64_t padding,
                                 int64_t outputPadding, bool transposed, double slope) {
  TORCH_CHECK(!at::GradMode::is_enabled(), "convolution_activated: gradients are recorded here; it has none");
  Call call(input, weight, stride, padding, outputPadding, transposed);
  const bool isFinished = transposed ? !call.isPlain : !call.isPlain && tiles_win(call.shape, call.dtype);
  if (!isFinished) {
    auto output = convolution(input, weight, bias, stride, padding, outputPadding, transposed);
    return slope == 1 ? output : slope == 0 ? output.relu_() : at::leaky_relu_(output, slope);
  }
  at::Tensor floats = bias && bias->defined() ? bias->to(at::kFloat).contiguous() : at::Tensor();
  Finish finish{.bias = floats.defined() ? floats.const_data_ptr<float>() : nullptr,
                .slope = static_cast<float>(slope)};
  auto pictures = dense(input, call.dtype);
  return transposed ? big_of(call.shape, pictures, weight, finish) : small_of(call.shape, pictures, weight, finish);
}

TORCH_LIBRARY_FRAGMENT(facegan, library) {
  library.def(
      "convolution(Tensor input, Tensor weight, Tensor? bias, int stride, int padding, int output_padding, "
      "bool transposed) -> Tensor",
      torch::dispatch(c10::DispatchKey::CompositeImplicitAutograd, TORCH_FN(convolution)));
  library.def(
      "convolution_activated(Tensor input, Tensor weight, Tensor? bias, int stride, int padding, "
      "int output_padding, bool transposed, float slope) -> Tensor",
      torch::dispatch(c10::DispatchKey::CompositeImplicitAutograd, TORCH_FN(convolution_activated)));
}

}  // namespace
}  // namespace engine
