// The loops of resampling.cpp; included for each instruction set.

/// Sum of `count` rows with their weights, `size` values.
template <int count, class E>
void sum_of_rows(const E *const *rows, const float *weights, int64_t size, float *sum) {
  int64_t i = 0;
  for (; i + LANES <= size; i += LANES) {
    Floats value = load(rows[0] + i) * weights[0];
    for (int k = 1; k < count; k++) value += load(rows[k] + i) * weights[k];
    store(sum + i, value);
  }
  for (; i < size; i++) {
    float value = static_cast<float>(rows[0][i]) * weights[0];
    for (int k = 1; k < count; k++) value += static_cast<float>(rows[k][i]) * weights[k];
    sum[i] = value;
  }
}

/// to[i] = near * a[i] + far * b[i]
template <class E>
INLINE void pair(const float *a, const float *b, float near, float far, int64_t size, E *to) {
  int64_t i = 0;
  for (; i + LANES <= size; i += LANES) store(to + i, load(a + i) * near + load(b + i) * far);
  for (; i < size; i++) to[i] = static_cast<E>(a[i] * near + b[i] * far);
}

/// to[i] = from[i] + 3 * from[i + step] + 3 * from[i + 2 * step] + from[i + 3 * step]
template <class E>
INLINE void across(const float *from, int64_t step, int64_t size, E *to) {
  int64_t i = 0;
  for (; i + LANES <= size; i += LANES)
    store(to + i, load(from + i) + load(from + i + 3 * step) + (load(from + i + step) + load(from + i + 2 * step)) * 3.0f);
  for (; i < size; i++)
    to[i] = static_cast<E>(from[i] + from[i + 3 * step] + (from[i + step] + from[i + 2 * step]) * 3.0f);
}

/// Filters pictures [count][height][width][channels]. A row of the result is a sum of up to four rows, filtered across.
template <class E>
void resample(const Resampling &r, const E *from, E *to) {
  const int64_t size = r.width * r.channels, border = 2 * r.channels;
  const int64_t rows = r.rows(), columns = r.columns();
  parallel(r.count * rows, [&](int64_t first, int64_t last) {
    Scratch<float> scratch(size + 2 * border);
    float *line = scratch.get();
    std::fill(line, line + size + 2 * border, 0.0f);
    for (int64_t row = first; row < last; row++) {
      const E *picture = from + row / rows * r.height * size;
      const int64_t y = row % rows;
      const E *found[4];
      float weights[4];
      int count = 0;
      for (int k = 0; k < 4; k++) {
        // Tap k reads the position y * down + k - padding of a picture that is `up` times as high.
        const int64_t at = y * r.down + k - r.before();
        if (at < 0 || at % r.up != 0 || at / r.up >= r.height) continue;
        found[count] = picture + at / r.up * size;
        weights[count++] = (k == 0 || k == 3 ? 1.0f : 3.0f) * r.gain / 64;
      }
      switch (count) {
        case 0: std::fill(line + border, line + border + size, 0.0f); break;
        case 1: sum_of_rows<1>(found, weights, size, line + border); break;
        case 2: sum_of_rows<2>(found, weights, size, line + border); break;
        case 3: sum_of_rows<3>(found, weights, size, line + border); break;
        default: sum_of_rows<4>(found, weights, size, line + border);
      }
      E *out = to + row * columns * r.channels;
      const float *values = line + border;
      if (r.up == 2) {
        for (int64_t x = 0; x < r.width; x++, values += r.channels) {
          pair(values, values - r.channels, 3, 1, r.channels, out + 2 * x * r.channels);
          pair(values, values + r.channels, 3, 1, r.channels, out + (2 * x + 1) * r.channels);
        }
      } else if (r.down == 2) {
        for (int64_t x = 0; x < columns; x++)
          across(values + (2 * x - 1) * r.channels, r.channels, r.channels, out + x * r.channels);
      } else {
        across(values - r.padding * r.channels, r.channels, columns * r.channels, out);
      }
    }
  });
}
