// An elementwise change of pictures, applied as they are read or written.
#pragma once

namespace kernels {

/// x * scale + shift for each channel, then x where it is positive, else slope * x.
struct Change {
  // nullptr: 1 and 0.
  const float *scale = nullptr, *shift = nullptr;
  // 1 leaves x as it is.
  float slope = 1;

  bool is_none() const { return !scale && !shift && slope == 1; }
};

}  // namespace kernels
