// Matrix products of tile_loops.h; included for each instruction set.

/// Whether float32 products use the loops below, with factors in panels, instead of libtorch's products. These are slower
/// on AVX2: they read the right factor at the distance of its rows, which maps many rows to the same cache sets.
template <class E>
constexpr bool has_panels = !IS_WIDE && sizeof(E) == 4;

/// Depth that one sum covers before it is added to the product. Its factors stay in the first-level cache, and shorter sums
/// round less: larger tiles are then as exact as libtorch's convolution.
constexpr int64_t DEPTH_OF_BLOCK = 128;

/// Half of a vector of LANES numbers: one register of AVX2.
typedef float Octet __attribute__((vector_size(32)));

INLINE Octet load_octet(const float *from) {
  Octet x;
  __builtin_memcpy(&x, from, sizeof x);
  return x;
}

/// product [ROWS, LANES] += or = left [ROWS, depth] panel [depth, LANES]. Rows of the left factor are `rowStep` apart,
/// columns `depthStep`. With 6 rows, the sums fill 12 of the 16 registers.
template <int... R>
INLINE void multiply_rows(std::integer_sequence<int, R...>, int64_t depth, const float *left, int64_t rowStep,
                          int64_t depthStep, const float *panel, float *product, int64_t pitch, bool adds) {
  Octet low[sizeof...(R)] = {}, high[sizeof...(R)] = {};
  for (int64_t k = 0; k < depth; k++, left += depthStep, panel += LANES) {
    const Octet first = load_octet(panel), second = load_octet(panel + 8);
    ((low[R] += first * left[R * rowStep], high[R] += second * left[R * rowStep]), ...);
  }
  if (adds) ((low[R] += load_octet(product + R * pitch), high[R] += load_octet(product + R * pitch + 8)), ...);
  ((__builtin_memcpy(product + R * pitch, &low[R], sizeof(Octet)),
    __builtin_memcpy(product + R * pitch + 8, &high[R], sizeof(Octet))), ...);
}

/// Prefetches `count` numbers.
INLINE void bring(const float *from, int64_t count) {
  for (int64_t k = 0; k < count; k += LANES) __builtin_prefetch(from + k);
}

template <int ROWS>
static void multiply_rows(int64_t depth, const float *left, int64_t pitch, const float *panel, float *product,
                          int64_t productPitch, bool adds) {
  multiply_rows(std::make_integer_sequence<int, ROWS>(), depth, left, pitch, 1, panel, product, productPitch, adds);
}

/// `multiply_rows` of a left factor that is a panel: [depth, LANES].
template <int ROWS>
static void multiply_columns(int64_t depth, const float *left, const float *panel, float *product, int64_t productPitch,
                             bool adds) {
  multiply_rows(std::make_integer_sequence<int, ROWS>(), depth, left, 1, LANES, panel, product, productPitch, adds);
}

/// [rows, columns] += or = left [rows, depth] right [depth, columns], the right one in panels of LANES columns,
/// `panelPitch` apart. The sums do not depend on the number of rows.
static void multiply_panels(int64_t rows, int64_t columns, int64_t depth, const float *left, int64_t leftPitch,
                            const float *right, int64_t panelPitch, float *product, int64_t productPitch, bool adds) {
  for (int64_t k = 0; k < depth; k += DEPTH_OF_BLOCK) {
    const int64_t count = std::min(depth - k, DEPTH_OF_BLOCK);
    const bool addsHere = adds || k > 0;
    for (int64_t column = 0; column < columns; column += LANES) {
      const float *panel = right + column / LANES * panelPitch + k * LANES, *from = left + k;
      float *to = product + column;
      // The hardware prefetcher sees neither the next panel nor short rows.
      const float *next = panel + (column + LANES < columns ? panelPitch : 0);
      const int64_t part = (count * LANES * 6 / rows + LANES) / LANES * LANES;
      int64_t row = rows;
      for (; row >= 6; row -= 6, from += 6 * leftPitch, to += 6 * productPitch, next += part) {
        if (column == 0)
          for (int64_t i = 6; i < std::min<int64_t>(row, 12); i++) bring(from + i * leftPitch, count);
        bring(next, part);
        multiply_rows<6>(count, from, leftPitch, panel, to, productPitch, addsHere);
      }
      switch (row) {
        case 5: multiply_rows<5>(count, from, leftPitch, panel, to, productPitch, addsHere); break;
        case 4: multiply_rows<4>(count, from, leftPitch, panel, to, productPitch, addsHere); break;
        case 3: multiply_rows<3>(count, from, leftPitch, panel, to, productPitch, addsHere); break;
        case 2: multiply_rows<2>(count, from, leftPitch, panel, to, productPitch, addsHere); break;
        case 1: multiply_rows<1>(count, from, leftPitch, panel, to, productPitch, addsHere); break;
        default: break;
      }
    }
  }
}

/// [rows, columns] += or = left' right, both in panels: left [rows / LANES][depth, LANES], right [columns / LANES][depth,
/// LANES], `leftPitch` and `rightPitch` apart.
static void multiply_transposed(int64_t rows, int64_t columns, int64_t depth, const float *left, int64_t leftPitch,
                                const float *right, int64_t rightPitch, float *product, int64_t productPitch,
                                bool adds) {
  for (int64_t k = 0; k < depth; k += DEPTH_OF_BLOCK) {
    const int64_t count = std::min(depth - k, DEPTH_OF_BLOCK);
    const bool addsHere = adds || k > 0;
    for (int64_t row = 0; row < rows; row += LANES)
      for (int64_t column = 0; column < columns; column += LANES) {
        const float *from = left + row / LANES * leftPitch + k * LANES;
        const float *panel = right + column / LANES * rightPitch + k * LANES;
        float *to = product + row * productPitch + column;
        multiply_columns<6>(count, from, panel, to, productPitch, addsHere);
        multiply_columns<5>(count, from + 6, panel, to + 6 * productPitch, productPitch, addsHere);
        multiply_columns<5>(count, from + 11, panel, to + 11 * productPitch, productPitch, addsHere);
      }
  }
}
