// The loops of normalization.cpp over rows of channels, on all threads; included for each instruction set.

#include "change_loops.h"

/// Rows that are summed in float32 before the sums are added in float64; also the part of one thread, so that
/// the result does not depend on the number of threads.
constexpr int64_t ROWS_OF_CHUNK = 512;

/// Sums the two values of `body(row, channel)` over all rows: sums [2][channels].
template <class Body>
void sum_rows(int64_t rows, int64_t channels, double *sums, Body &&body) {
  const int64_t chunks = (rows + ROWS_OF_CHUNK - 1) / ROWS_OF_CHUNK;
  Scratch<float> partial(chunks * 2 * channels);
  parallel(chunks, [&](int64_t first, int64_t last) {
    for (int64_t chunk = first; chunk < last; chunk++) {
      int64_t from = chunk * ROWS_OF_CHUNK, to = std::min(rows, from + ROWS_OF_CHUNK);
      for (int64_t c = 0; c < channels; c += LANES) {
        Floats one{}, two{};
        for (int64_t row = from; row < to; row++) body(row, c, one, two);
        store(partial.get() + chunk * 2 * channels + c, one);
        store(partial.get() + (chunk * 2 + 1) * channels + c, two);
      }
    }
  });
  std::fill(sums, sums + 2 * channels, 0);
  for (int64_t chunk = 0; chunk < chunks; chunk++)
    for (int64_t c = 0; c < 2 * channels; c++) sums[c] += partial.get()[chunk * 2 * channels + c];
}

/// Means and biased variances of the columns of x [rows][channels].
template <class E>
void moments(const E *x, int64_t rows, int64_t channels, float *mean, float *variance) {
  std::vector<double> sums(2 * channels);
  // Relative to the first row, so that a large mean does not cancel the variance.
  sum_rows(rows, channels, sums.data(), [&](int64_t row, int64_t c, Floats &one, Floats &two) FORCED {
    Floats value = load(x + row * channels + c) - load(x + c);
    one += value;
    two += value * value;
  });
  for (int64_t c = 0; c < channels; c++) {
    double offset = sums[c] / rows;
    mean[c] = static_cast<float>(static_cast<float>(x[c]) + offset);
    variance[c] = static_cast<float>(std::max(0.0, sums[channels + c] / rows - offset * offset));
  }
}

/// y = the change of x.
template <class E>
void change_rows(const E *x, int64_t rows, int64_t channels, const Change &change, E *y) {
  parallel((rows + ROWS_OF_CHUNK - 1) / ROWS_OF_CHUNK, [&](int64_t first, int64_t last) {
    for (int64_t row = first * ROWS_OF_CHUNK; row < std::min(rows, last * ROWS_OF_CHUNK); row++)
      for (int64_t c = 0; c < channels; c += LANES)
        store(y + row * channels + c, changed(load(x + row * channels + c), change, c));
  });
}

/// Sums of the gradient before the activation, and of its products with x - mean.
template <class E>
void gradient_sums(const E *gradient, const E *x, int64_t rows, int64_t channels, const float *mean, const float *scale,
                   const float *shift, float slope, double *sums) {
  sum_rows(rows, channels, sums, [&](int64_t row, int64_t c, Floats &one, Floats &two) FORCED {
    Floats value = load(x + row * channels + c);
    Floats inner = bent(load(gradient + row * channels + c), value * load(scale + c) + load(shift + c), slope);
    one += inner;
    two += inner * (value - load(mean + c));
  });
}

/// result = scale * inner gradient + byValue * x + constant.
template <class E>
void input_gradient(const E *gradient, const E *x, int64_t rows, int64_t channels, const float *scale,
                    const float *shift, float slope, const float *byValue, const float *constant, E *result) {
  parallel((rows + ROWS_OF_CHUNK - 1) / ROWS_OF_CHUNK, [&](int64_t first, int64_t last) {
    for (int64_t row = first * ROWS_OF_CHUNK; row < std::min(rows, last * ROWS_OF_CHUNK); row++)
      for (int64_t c = 0; c < channels; c += LANES) {
        Floats value = load(x + row * channels + c);
        Floats inner = bent(load(gradient + row * channels + c), value * load(scale + c) + load(shift + c), slope);
        store(result + row * channels + c, inner * load(scale + c) + value * load(byValue + c) + load(constant + c));
      }
  });
}

