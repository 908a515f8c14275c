// Batch normalization in training, with an activation after it.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "tiles.h"

namespace kernels {

/// Throws c10::Error unless weight, bias and running statistics have one value for each channel of x.
void check_norm(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias, const at::Tensor &runningMean,
                const at::Tensor &runningVariance);

/// Whether the functions below accept these pictures and this scale.
bool norm_fits(const at::Tensor &x, const at::Tensor &weight);

/// Statistics of a batch x [N, C, H, W], float32 [C]: the mean and the inverse standard deviation.
struct Moments {
  at::Tensor mean, inverse;

  /// Computes them and updates the running statistics in place.
  Moments(const at::Tensor &x, at::Tensor runningMean, at::Tensor runningVariance, double momentum, double epsilon);
  Moments(const at::Tensor &mean, const at::Tensor &inverse) : mean(mean), inverse(inverse) {}
};

/// (x - mean) * inverse * weight + bias and an activation, as one change of x.
class Normalization {
 public:
  Normalization(const Moments &moments, const at::Tensor &weight, const at::Tensor &bias, float slope);
  /// Valid while this object lives.
  Change change() const { return {.scale = scale_.data(), .shift = shift_.data(), .slope = slope_}; }

 private:
  std::vector<float> scale_, shift_;
  float slope_;
};

/// Pictures after their change.
at::Tensor changed(const Seen &x);

/// Gradients of normalization and activation with respect to x, weight and bias, given the gradient of the result.
std::vector<at::Tensor> norm_gradients(const at::Tensor &gradient, const at::Tensor &x, const at::Tensor &weight,
                                       const at::Tensor &bias, const Moments &moments, float slope);

/// The operator facegan::norm_activated. Has derivatives of every order.
at::Tensor norm_activated(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias,
                          const at::Tensor &runningMean, const at::Tensor &runningVariance, double momentum,
                          double epsilon, double slope);

}  // namespace kernels
