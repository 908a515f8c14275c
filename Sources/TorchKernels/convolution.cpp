// The operators facegan::convolution, facegan::convolution_activated and facegan::plain_convolution.
#include <ATen/autocast_mode.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/leaky_relu.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>
#include <vector>

#include "convolution.h"
#include "normalization.h"

namespace kernels {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

at::Tensor dense(const at::Tensor &pictures, at::ScalarType dtype) {
  return pictures.to(dtype).contiguous(at::MemoryFormat::ChannelsLast);
}

std::vector<int64_t> numbers_of(const TileShape &s) {
  return {s.pictures, s.height, s.width,  s.channels, s.rows, s.columns, s.filters,
          s.kernel,   s.stride, s.padding, static_cast<int64_t>(s.dtype), s.groups};
}

TileShape shape_of(const std::vector<int64_t> &n) {
  return {n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9], static_cast<at::ScalarType>(n[10]),
          n[11]};
}

at::Tensor plain_convolution(const at::Tensor &input, const at::Tensor &weight, const std::optional<at::Tensor> &bias,
                             at::IntArrayRef stride, at::IntArrayRef padding, at::IntArrayRef dilation,
                             int64_t groups) {
  const bool isRegular = input.dim() == 4 && weight.dim() == 4 && input.is_cpu() && stride.size() == 2 &&
                         padding.size() == 2 && dilation.size() == 2 && stride[0] > 0 && stride[1] > 0 &&
                         dilation[0] > 0 && dilation[1] > 0 && padding[0] >= 0 && padding[1] >= 0;
  const bool isPoint = isRegular && weight.size(2) == 1 && weight.size(3) == 1;
  // Where the padding exceeds the kernel's extent, outputs exist that no pixel reaches.
  const bool hasEmptyOutputs = isRegular && (padding[0] > dilation[0] * (weight.size(2) - 1) ||
                                             padding[1] > dilation[1] * (weight.size(3) - 1));
  const bool isStridedPoint = isPoint && (stride[0] > 1 || stride[1] > 1);
  if (!isStridedPoint && !hasEmptyOutputs) return at::conv2d(input, weight, bias, stride, padding, dilation, groups);
  auto x = input;
  if (padding[0] > 0 || padding[1] > 0)
    x = at::constant_pad_nd(x, {padding[1], padding[1], padding[0], padding[0]});
  constexpr int64_t ONES[] = {1, 1}, ZEROS[] = {0, 0};
  if (isStridedPoint) x = x.slice(2, 0, x.size(2), stride[0]).slice(3, 0, x.size(3), stride[1]);
  return at::conv2d(x.contiguous(input.suggest_memory_format()), weight, bias,
                    isStridedPoint ? at::IntArrayRef(ONES) : stride, at::IntArrayRef(ZEROS),
                    isStridedPoint ? at::IntArrayRef(ONES) : dilation, groups);
}

// libtorch's operators compute in the dtype of the pictures and need a separate pass over the pixels for a change.

at::Tensor small_of(const TileShape &shape, const Seen &big, const at::Tensor &weight, const Change &finish) {
  if (tiles_win(shape)) return tile_forward(shape, big, weight, finish);
  return plain_convolution(changed(big), weight.to(shape.dtype), {}, {shape.stride, shape.stride},
                           {shape.padding, shape.padding}, {1, 1}, shape.groups);
}

at::Tensor big_of(const TileShape &shape, const Seen &small, const at::Tensor &weight, const Change &finish) {
  if (tiles_win(shape) || thin_adjoint_wins(shape)) return tile_adjoint(shape, small, weight, finish);
  auto rest = [&](int64_t side, int64_t small) {
    return side - ((small - 1) * shape.stride - 2 * shape.padding + shape.kernel);
  };
  return at::conv_transpose2d(changed(small), weight.to(shape.dtype), {}, shape.stride, shape.padding,
                              {rest(shape.height, shape.rows), rest(shape.width, shape.columns)}, shape.groups);
}

at::Tensor weight_of(const TileShape &shape, const Seen &big, const Seen &small) {
  if (tiles_win(shape)) return tile_weight(shape, big, small);
  // Only the weight's shape is read.
  auto like = at::empty({shape.filters, shape.channels / shape.groups, shape.kernel, shape.kernel},
                        big.pictures.options(), at::MemoryFormat::ChannelsLast);
  auto gradients = at::convolution_backward(changed(small), changed(big), like, {}, {shape.stride, shape.stride},
                                            {shape.padding, shape.padding}, {1, 1}, false, {0, 0},
                                            shape.groups, {false, true, false});
  return std::get<1>(gradients).to(at::kFloat);
}

namespace {

// The derivative of each of the three sums is the other two, which gives derivatives of every order.

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

/// What the forward pass of a sum saves for the backward pass: its shape, and each factor if the other one needs a gradient.
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

/// The gradients of both factors that are needed. The second factor's comes first: it is usually a weight's, which needs
/// much memory to compute and little to keep.
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

Call::Call(const at::Tensor &input, const at::Tensor &weight, const std::optional<at::Tensor> &bias, int64_t stride,
           int64_t padding, int64_t outputPadding, bool transposed, int64_t groups) {
  constexpr int64_t LIMIT = 1 << 20;
  TORCH_CHECK(stride >= 1 && stride <= LIMIT, "convolution: expected a stride of 1 or more, got ", stride);
  TORCH_CHECK(padding >= 0 && padding <= LIMIT, "convolution: expected a padding of 0 or more, got ", padding);
  TORCH_CHECK(outputPadding >= 0 && (outputPadding < stride || outputPadding == 0),
              "convolution: expected an output padding of 0 or more and below the stride ", stride, ", got ",
              outputPadding);
  TORCH_CHECK(transposed || outputPadding == 0, "convolution: only a transposed convolution has an output padding");
  TORCH_CHECK(groups == 1 || (!transposed && groups > 1),
              "convolution: expected 1 group, or more of a convolution that is not transposed, got ", groups);
  TORCH_CHECK(input.dim() == 4 && weight.dim() == 4, "convolution: expected an input [N, C, H, W] and a weight of rank 4,",
              " got ", input.sizes(), " and ", weight.sizes());
  const int64_t outputs = weight.size(transposed ? 1 : 0);
  TORCH_CHECK(!bias || !bias->defined() || (bias->dim() == 1 && bias->numel() == outputs),
              "convolution: expected a bias of ", outputs, " values, got ", bias ? bias->sizes() : at::IntArrayRef());
  // libtorch refuses the rest of what it does not accept.
  const auto device = input.device().type();
  if ((!input.is_cpu() && groups == 1) || weight.device() != input.device() || weight.scalar_type() != at::kFloat ||
      weight.size(2) != weight.size(3) || weight.size(0) % groups != 0 ||
      input.size(1) != (transposed ? weight.size(0) : weight.size(1) * groups) || input.numel() == 0)
    return;
  const bool casts = at::autocast::is_autocast_enabled(device) && input.scalar_type() != at::kDouble;
  const int64_t kernel = weight.size(2);
  if (groups > 1 && kernel < stride) return;
  if (kernel < 1 || (!transposed && std::min(input.size(2), input.size(3)) + 2 * padding < kernel)) return;
  auto extent = [&](int64_t side) {
    return transposed ? (side - 1) * stride - 2 * padding + kernel + outputPadding
                      : (side + 2 * padding - kernel) / stride + 1;
  };
  const int64_t height = extent(input.size(2)), width = extent(input.size(3));
  if (height <= 0 || width <= 0) return;
  shape = {.pictures = input.size(0),
           .height = transposed ? height : input.size(2),
           .width = transposed ? width : input.size(3),
           .channels = weight.size(1) * groups,
           .rows = transposed ? input.size(2) : height,
           .columns = transposed ? input.size(3) : width,
           .filters = weight.size(0),
           .kernel = kernel, .stride = stride, .padding = padding,
           .dtype = casts ? at::autocast::get_autocast_dtype(device) : input.scalar_type(),
           .groups = groups};
  // libtorch computes second derivatives of grouped convolutions group by group.
  isPlain = groups == 1 && !tiles_win(shape) && !thin_adjoint_wins(shape);
  isTiled = transposed ? !isPlain : tiles_win(shape);
}

at::Tensor convolved(const TileShape &shape, const at::Tensor &pictures, const at::Tensor &weight, bool transposed) {
  return transposed ? Big::apply(pictures, weight, shape) : Small::apply(pictures, weight, shape);
}

at::Tensor convolution(const at::Tensor &input, const at::Tensor &weight, const std::optional<at::Tensor> &bias,
                       int64_t stride, int64_t padding, int64_t outputPadding, bool transposed, int64_t groups) {
  Call call(input, weight, bias, stride, padding, outputPadding, transposed, groups);
  // Operators that autocast knows.
  if (call.isPlain)
    return transposed ? at::conv_transpose2d(input, weight, bias, stride, padding, outputPadding)
                      : plain_convolution(input, weight, bias, {stride, stride}, {padding, padding}, {1, 1}, groups);
  return with_bias(convolved(call.shape, dense(input, call.shape.dtype), weight, transposed), bias);
}

at::Tensor with_bias(const at::Tensor &output, const std::optional<at::Tensor> &bias) {
  return bias && bias->defined() ? output.add_(bias->to(output.scalar_type()).view({1, -1, 1, 1})) : output;
}

namespace {

/// A convolution, then x where it is positive and slope * x elsewhere. Has no derivative.
at::Tensor convolution_activated(const at::Tensor &input, const at::Tensor &weight,
                                 const std::optional<at::Tensor> &bias, int64_t stride, int64_t padding,
                                 int64_t outputPadding, bool transposed, double slope) {
  TORCH_CHECK(!at::GradMode::is_enabled(), "convolution_activated: has no derivative; call it without gradients");
  Call call(input, weight, bias, stride, padding, outputPadding, transposed);
  const bool isPoint = transposed && call.isPlain && point_adjoint_wins(call.shape);
  if (!call.isTiled && !isPoint) {
    auto output = convolution(input, weight, bias, stride, padding, outputPadding, transposed);
    return slope == 1 ? output : slope == 0 ? output.relu_() : at::leaky_relu_(output, slope);
  }
  at::Tensor floats = bias && bias->defined() ? bias->to(at::kFloat).contiguous() : at::Tensor();
  const Change finish{.shift = floats.defined() ? read_elements<float>(floats) : nullptr,
                .slope = static_cast<float>(slope)};
  if (isPoint) return point_adjoint(call.shape, input, weight, finish);
  call.shape.isConstant = true;
  auto pictures = dense(input, call.shape.dtype);
  return transposed ? big_of(call.shape, pictures, weight, finish) : small_of(call.shape, pictures, weight, finish);
}

TORCH_LIBRARY_FRAGMENT(facegan, library) {
  library.def(
      "plain_convolution(Tensor input, Tensor weight, Tensor? bias, int[] stride, int[] padding, int[] dilation, "
      "int groups) -> Tensor",
      torch::dispatch(c10::DispatchKey::CompositeImplicitAutograd, TORCH_FN(plain_convolution)));
  library.def(
      "convolution(Tensor input, Tensor weight, Tensor? bias, int stride, int padding, int output_padding, "
      "bool transposed, int groups=1) -> Tensor",
      torch::dispatch(c10::DispatchKey::CompositeImplicitAutograd, TORCH_FN(convolution)));
  library.def(
      "convolution_activated(Tensor input, Tensor weight, Tensor? bias, int stride, int padding, "
      "int output_padding, bool transposed, float slope) -> Tensor",
      torch::dispatch(c10::DispatchKey::CompositeImplicitAutograd, TORCH_FN(convolution_activated)));
}

}  // namespace
}  // namespace kernels
