// The operator facegan::convolution: the engine's own convolution or products over tiles, whichever is faster here.
#include <ATen/autocast_mode.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/leaky_relu.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <vector>

#include "convolution.h"
#include "normalization.h"

namespace engine {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

at::Tensor dense(const at::Tensor &pictures, at::ScalarType dtype) {
  return pictures.to(dtype).contiguous(at::MemoryFormat::ChannelsLast);
}

std::vector<int64_t> numbers_of(const TileShape &s) {
  return {s.pictures, s.height, s.width,  s.channels, s.rows, s.columns, s.filters,
          s.kernel,   s.stride, s.padding, static_cast<int64_t>(s.dtype)};
}

TileShape shape_of(const std::vector<int64_t> &n) {
  return {n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9], static_cast<at::ScalarType>(n[10])};
}

// The engine's own kernels compute in the pictures' type, and what is done to pixels takes a pass of its own.

at::Tensor small_of(const TileShape &shape, const Seen &big, const at::Tensor &weight, const Change &finish) {
  if (tiles_win(shape)) return tile_forward(shape, big, weight, finish);
  return at::conv2d(changed(big), weight.to(shape.dtype), {}, shape.stride, shape.padding);
}

at::Tensor big_of(const TileShape &shape, const Seen &small, const at::Tensor &weight, const Change &finish) {
  if (tiles_win(shape) || thin_adjoint_wins(shape)) return tile_adjoint(shape, small, weight, finish);
  auto rest = [&](int64_t side, int64_t small) {
    return side - ((small - 1) * shape.stride - 2 * shape.padding + shape.kernel);
  };
  return at::conv_transpose2d(changed(small), weight.to(shape.dtype), {}, shape.stride, shape.padding,
                              {rest(shape.height, shape.rows), rest(shape.width, shape.columns)});
}

at::Tensor weight_of(const TileShape &shape, const Seen &big, const Seen &small) {
  if (tiles_win(shape)) return tile_weight(shape, big, small);
  // Only the shape of the weight counts.
  auto like = at::empty({shape.filters, shape.channels, shape.kernel, shape.kernel}, big.pictures.options(),
                        at::MemoryFormat::ChannelsLast);
  auto gradients = at::convolution_backward(changed(small), changed(big), like, {}, {shape.stride, shape.stride},
                                            {shape.padding, shape.padding}, {1, 1}, false, {0, 0}, 1,
                                            {false, true, false});
  return std::get<1>(gradients).to(at::kFloat);
}

namespace {

// Each of the three is differentiated by the other two, so that every order of derivative is there.

struct Small : Function<Small> {
  static at::Tensor forward(AutogradContext *context, const at::Tensor &big, const at::Tensor &weight,
                            const TileShape &shape);
  static variable_list backward(AutogradContext *context, variable_list gradients);
};

struct Big : Function<Big> {
  static at::Tensor forward(AutogradContext *context, const at::Tensor &small, const at::Tensor &weight,
                            const TileShape &shape);
  static variable_list backward(AutogradContext *context, variable_list gradients);
};

struct Weight : Function<Weight> {
  static at::Tensor forward(AutogradContext *context, const at::Tensor &big, const at::Tensor &small,
                            const TileShape &shape);
  static variable_list backward(AutogradContext *context, variable_list gradients);
};

/// The two factors of a sum, as far as the other's gradient will be asked for, and its shape, from the forward to the
/// backward pass.
struct Kept {
  at::Tensor first, second;
  TileShape shape;

  static void keep(AutogradContext *context, const at::Tensor &first, const at::Tensor &second, const TileShape &s) {
    context->save_for_backward({second.requires_grad() ? first : at::Tensor(),
                                first.requires_grad() ? second : at::Tensor()});
    context->saved_data["shape"] = numbers_of(s);
  }

  explicit Kept(AutogradContext *context) {
    auto saved = context->get_saved_variables();
    first = saved[0], second = saved[1];
    shape = shape_of(context->saved_data["shape"].toIntVector());
  }
};

/// The gradients of both factors, as far as they are asked for. The second one first: it is a weight's, which takes memory
/// to compute and little to keep.
template <class First, class Second>
variable_list factors(AutogradContext *context, First &&first, Second &&second) {
  at::Tensor ofSecond = context->needs_input_grad(1) ? second() : at::Tensor();
  return {context->needs_input_grad(0) ? first() : at::Tensor(), ofSecond, {}};
}

at::Tensor Small::forward(AutogradContext *context, const at::Tensor &big, const at::Tensor &weight,
                          const TileShape &shape) {
  Kept::keep(context, big, weight, shape);
  return small_of(shape, big, weight);
}

variable_list Small::backward(AutogradContext *context, variable_list gradients) {
  const Kept kept(context);
  const auto &big = kept.first, &weight = kept.second;
  auto small = dense(gradients[0], kept.shape.dtype);
  return factors(context, [&] { return Big::apply(small, weight, kept.shape); },
                 [&] { return Weight::apply(big, small, kept.shape); });
}

at::Tensor Big::forward(AutogradContext *context, const at::Tensor &small, const at::Tensor &weight,
                        const TileShape &shape) {
  Kept::keep(context, small, weight, shape);
  return big_of(shape, small, weight);
}

variable_list Big::backward(AutogradContext *context, variable_list gradients) {
  const Kept kept(context);
  const auto &small = kept.first, &weight = kept.second;
  auto big = dense(gradients[0], kept.shape.dtype);
  return factors(context, [&] { return Small::apply(big, weight, kept.shape); },
                 [&] { return Weight::apply(big, small, kept.shape); });
}

at::Tensor Weight::forward(AutogradContext *context, const at::Tensor &big, const at::Tensor &small,
                           const TileShape &shape) {
  Kept::keep(context, big, small, shape);
  return weight_of(shape, big, small);
}

variable_list Weight::backward(AutogradContext *context, variable_list gradients) {
  const Kept kept(context);
  const auto &big = kept.first, &small = kept.second;
  auto weight = gradients[0].to(at::kFloat);
  return factors(context, [&] { return Big::apply(small, weight, kept.shape); },
                 [&] { return Small::apply(big, weight, kept.shape); });
}

}  // namespace

Call::Call(const at::Tensor &input, const at::Tensor &weight, int64_t stride, int64_t padding, int64_t outputPadding,
           bool transposed) {
  // What the engine would refuse, it refuses in its own words.
  if (input.dim() != 4 || weight.dim() != 4 || !input.is_cpu() || !weight.is_cpu() ||
      weight.scalar_type() != at::kFloat || weight.size(2) != weight.size(3) ||
      input.size(1) != weight.size(transposed ? 0 : 1) || input.numel() == 0)
    return;
  const bool casts = at::autocast::is_autocast_enabled(at::kCPU) && input.scalar_type() != at::kDouble;
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
           .kernel = kernel, .stride = stride, .padding = padding,
           .dtype = casts ? at::autocast::get_autocast_dtype(at::kCPU) : input.scalar_type()};
  isPlain = !tiles_win(shape) && !thin_adjoint_wins(shape);
  isTiled = transposed ? !isPlain : tiles_win(shape);
}

at::Tensor convolved(const TileShape &shape, const at::Tensor &pictures, const at::Tensor &weight, bool transposed) {
  return transposed ? Big::apply(pictures, weight, shape) : Small::apply(pictures, weight, shape);
}

at::Tensor convolution(const at::Tensor &input, const at::Tensor &weight, const std::optional<at::Tensor> &bias,
                       int64_t stride, int64_t padding, int64_t outputPadding, bool transposed) {
  Call call(input, weight, stride, padding, outputPadding, transposed);
  // By these names, because autocast knows them.
  if (call.isPlain)
    return transposed ? at::conv_transpose2d(input, weight, bias, stride, padding, outputPadding)
                      : at::conv2d(input, weight, bias, stride, padding);
  return with_bias(convolved(call.shape, dense(input, call.shape.dtype), weight, transposed), bias);
}

at::Tensor with_bias(const at::Tensor &output, const std::optional<at::Tensor> &bias) {
  return bias && bias->defined() ? output.add_(bias->to(output.scalar_type()).view({1, -1, 1, 1})) : output;
}

namespace {

/// Without a tape: the convolution, then x where it is positive, else slope * x.
at::Tensor convolution_activated(const at::Tensor &input, const at::Tensor &weight,
                                 const std::optional<at::Tensor> &bias, int64_t stride, int64_t padding,
                                 int64_t outputPadding, bool transposed, double slope) {
  TORCH_CHECK(!at::GradMode::is_enabled(), "convolution_activated: gradients are recorded here; it has none");
  Call call(input, weight, stride, padding, outputPadding, transposed);
  if (!call.isTiled) {
    auto output = convolution(input, weight, bias, stride, padding, outputPadding, transposed);
    return slope == 1 ? output : slope == 0 ? output.relu_() : at::leaky_relu_(output, slope);
  }
  at::Tensor floats = bias && bias->defined() ? bias->to(at::kFloat).contiguous() : at::Tensor();
  Change finish{.shift = floats.defined() ? floats.const_data_ptr<float>() : nullptr,
                .slope = static_cast<float>(slope)};
  auto pictures = dense(input, call.shape.dtype);
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
