// Batch normalisation in training and the activation after it.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "tiles.h"

namespace engine {

/// Whether the functions below take pictures and a scale like these.
bool norm_fits(const at::Tensor &x, const at::Tensor &weight);

/// Statistics of the batch x [N, C, H, W], both float32 [C]: the mean, and one over the deviation.
struct Moments {
  at::Tensor mean, inverse;

  /// Moves the running ones towards them, in place.
  Moments(const at::Tensor &x, at::Tensor runningMean, at::Tensor runningVariance, double momentum, double epsilon);
  Moments(const at::Tensor &mean, const at::Tensor &inverse) : mean(mean), inverse(inverse) {}
};

/// (x - mean) * inverse * weight + bias, then the activation, as one change of x.
class Normalization {
 public:
  Normalization(const Moments &moments, const at::Tensor &weight, const at::Tensor &bias, float slope);
  /// Valid for as long as this lives.
  Change change() const { return {.scale = scale_.data(), .shift = shift_.data(), .slope = slope_}; }

 private:
  std::vector<float> scale_, shift_;
  float slope_;
};

/// Pictures with their change done.
at::Tensor changed(const Seen &x);

/// Gradients with respect to x, weight and bias of x normalised and activated, from the one of the result.
std::vector<at::Tensor> norm_gradients(const at::Tensor &gradient, const at::Tensor &x, const at::Tensor &weight,
                                       const at::Tensor &bias, const Moments &moments, float slope);

/// The operator facegan::norm_activated, which has derivatives of every order.
at::Tensor norm_activated(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias,
                          const at::Tensor &runningMean, const at::Tensor &runningVariance, double momentum,
                          double epsilon, double slope);

}  // namespace engine
