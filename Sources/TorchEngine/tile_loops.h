// The loops of tiles.cpp over blocks of tiles, on all threads; included for each instruction set.

#include "tile_kernels.h"

/// [rows, columns] += or = left [rows, depth] right [depth, columns], the right one packed by pairs of rows in bfloat16.
template <class E>
INLINE void multiply(int64_t rows, int64_t columns, int64_t depth, const E *left, int64_t leftPitch, const E *right,
                     int64_t rightPitch, float *product, int64_t productPitch, bool adds) {
  at::native::cpublas::brgemm(rows, columns, depth, leftPitch, rightPitch, productPitch, adds, left, right, product,
                              /*is_vnni=*/sizeof(E) == 2);
}

template <int T, class E>
void forward(const TileShape &s, const E *big, const E *weight, const Finish &finish, E *small) {
  constexpr int P = (T + 1) * (T + 1), PAIR = sizeof(E) == 2 ? 2 : 1;
  const int64_t depth = s.phases() * s.channels, block = TILES_OF_BLOCK, tiles = s.tiles();
  const int64_t columns = std::min<int64_t>(s.filters, FILTERS_OF_BLOCK);
  parallel((tiles + block - 1) / block, [&](int64_t first, int64_t last) {
    Scratch<E> points(P * block * depth);
    Scratch<float> products(P * block * columns);
    for (int64_t at = first; at < last; at++) {
      int64_t from = at * block, to = std::min(tiles, from + block), count = to - from;
      for (int64_t phase = 0; phase < s.phases(); phase++)
        big_points<T>(s, big, phase, from, to, points.get(), depth, phase * s.channels);
      for (int64_t filter = 0; filter < s.filters; filter += columns) {
        int64_t width = std::min(columns, s.filters - filter);
        for (int k = 0; k < P; k++)
          multiply<E>(count, width, depth, points.get() + k * count * depth, depth,
                      weight + k * depth * s.filters + PAIR * filter, s.filters, products.get() + k * count * width,
                      width, false);
        small_from<T>(s, products.get(), from, to, filter, width, finish, small);
      }
    }
    at::native::cpublas::brgemm_release();
  });
}

template <int T, class E>
void adjoint(const TileShape &s, const E *small, const E *weight, const Finish &finish, E *big) {
  constexpr int P = (T + 1) * (T + 1);
  const int64_t block = TILES_OF_BLOCK, tileRows = s.tile_rows(), tileColumns = s.tile_columns();
  // Several whole pictures at once, or some rows of one; then the rows that the next ones overlap are carried over.
  const int64_t group = std::max<int64_t>(1, block / s.tiles_of_picture());
  const int64_t strip = group > 1 ? tileRows : std::clamp<int64_t>(block / tileColumns, 1, tileRows);
  const int64_t viewColumns = 2 * tileColumns + T - 1, viewRows = 2 * strip + T - 1;
  const int64_t rowSize = viewColumns * s.channels, slab = s.filters * s.channels;
  const int64_t capacity = group * strip * tileColumns;
  parallel((s.pictures + group - 1) / group, [&](int64_t first, int64_t last) {
    Scratch<E> points(P * capacity * s.filters);
    Scratch<float> products(P * capacity * s.channels), sums(s.phases() * viewRows * rowSize);
    for (int64_t at = first; at < last; at++) {
      int64_t picture = at * group, pictures = std::min(group, s.pictures - picture);
      for (int64_t row = 0; row < tileRows; row += strip) {
        int64_t rows = std::min(strip, tileRows - row), tiles = rows * tileColumns, count = pictures * tiles;
        int64_t from = (picture * tileRows + row) * tileColumns, plane = count * s.channels;
        small_points<T>(s, small, from, from + count, points.get());
        for (int64_t phase = 0; phase < s.phases(); phase++) {
          for (int k = 0; k < P; k++)
            multiply<E>(count, s.channels, s.filters, points.get() + k * count * s.filters, s.filters,
                        weight + (k * s.phases() + phase) * slab, s.channels, products.get() + k * plane, s.channels,
                        false);
          float *sum = sums.get() + phase * viewRows * rowSize;
          bool isLast = row + rows == tileRows;
          for (int64_t i = 0; i < pictures; i++) {
            int64_t carried = row > 0 ? T - 1 : 0;
            std::fill(sum + carried * rowSize, sum + (2 * rows + T - 1) * rowSize, 0.f);
            add_view<T>(s, products.get() + i * tiles * s.channels, plane, tiles, sum, viewColumns);
            big_from(s, sum, viewColumns, picture + i, phase, 2 * row, isLast ? 2 * rows + T - 1 : 2 * rows,
                     finish, big);
          }
          if (!isLast) std::copy(sum + 2 * rows * rowSize, sum + (2 * rows + T - 1) * rowSize, sum);
        }
      }
    }
    at::native::cpublas::brgemm_release();
  });
}

/// `adjoint` where all phases of the big picture's channels fit one group of lanes: T x T shifted products.
template <int T, class E>
void adjoint_thin(const TileShape &s, const E *small, const E *weight, const Finish &finish, E *big) {
  const int64_t pitch = s.columns + 2 * (T - 1), viewRows = s.rows + T - 1;
  // Rows run on into the next one's padding, so that a whole picture is one product.
  const int64_t pixels = (viewRows - 1) * pitch + s.columns + T - 1;
  parallel(s.pictures, [&](int64_t first, int64_t last) {
    Scratch<E> picture((s.rows + 2 * (T - 1)) * pitch * s.filters);
    Scratch<float> sums(viewRows * pitch * LANES);
    for (int64_t at = first; at < last; at++) {
      padded<T>(s, small + at * s.rows * s.columns * s.filters, picture.get());
      for (int i = 0; i < T; i++)
        for (int j = 0; j < T; j++)
          multiply<E>(pixels, LANES, s.filters, picture.get() + ((T - 1 - i) * pitch + T - 1 - j) * s.filters,
                      s.filters, weight + (i * T + j) * s.filters * LANES, LANES, sums.get(), LANES, i + j > 0);
      big_from_thin(s, sums.get(), pitch, finish, big + at * s.height * s.width * s.channels);
    }
    at::native::cpublas::brgemm_release();
  });
}

template <int T, class E>
void weight_gradient(const TileShape &s, const E *big, const E *small, float *gradient) {
  constexpr int P = (T + 1) * (T + 1), PAIR = sizeof(E) == 2 ? 2 : 1, GRAIN = 32;
  const int64_t tiles = s.tiles(), chunk = std::min(tiles + tiles % 2, TILES_OF_CHUNK);
  // Not a power of two: rows one after the other would share cache lines' places.
  const int64_t pitch = (chunk + 31) / 32 * 32 + 32, slab = s.filters * s.channels;
  Scratch<E> left(P * s.filters * pitch), right(s.phases() * P * chunk * s.channels);
  Scratch<float> products(s.phases() * P * slab);
  for (int64_t from = 0; from < tiles; from += chunk) {
    const int64_t to = std::min(tiles, from + chunk), count = to - from, depth = (count + PAIR - 1) / PAIR * PAIR;
    parallel((count + GRAIN - 1) / GRAIN, [&](int64_t first, int64_t last) {
      int64_t start = from + first * GRAIN, end = std::min(to, from + last * GRAIN);
      small_points_transposed<T>(s, small, start, end, left.get(), s.filters * pitch, pitch, start - from);
      for (int64_t phase = 0; phase < s.phases(); phase++)
        big_points_packed<T>(s, big, phase, start, end,
                             right.get() + (phase * P * chunk + start - from) * s.channels, chunk * s.channels);
    });
    const int64_t rows = std::min<int64_t>(s.filters, 128), parts = (s.filters + rows - 1) / rows;
    parallel(s.phases() * P * parts, [&](int64_t first, int64_t last) {
      for (int64_t at = first; at < last; at++) {
        int64_t point = at / parts, filter = at % parts * rows;
        multiply<E>(std::min(rows, s.filters - filter), s.channels, depth,
                    left.get() + (point % P * s.filters + filter) * pitch, pitch,
                    right.get() + point * chunk * s.channels, s.channels,
                    products.get() + point * slab + filter * s.channels, s.channels, from > 0);
      }
      at::native::cpublas::brgemm_release();
    });
  }
  parallel(s.filters, [&](int64_t first, int64_t last) {
    for (int64_t phase = 0; phase < s.phases(); phase++)
      weight_from<T>(s, products.get() + phase * P * slab, phase, first, last, gradient);
  });
}

template <int T, class E>
void pack(const TileShape &s, const float *weight, bool isAdjoint, E *packed) {
  if (is_thin(s)) return pack_thin<T>(s, weight, packed);
  parallel(s.filters / 16, [&](int64_t first, int64_t last) {
    if (isAdjoint) pack_adjoint<T>(s, weight, 16 * first, 16 * last, packed);
    else pack_forward<T>(s, weight, 16 * first, 16 * last, packed);
  });
}

// ---- What tiles.cpp calls -------------------------------------------------------------------------------------

/// Calls `body` with the taps and the element's type as constants.
template <class Body>
void choose(const TileShape &s, at::ScalarType dtype, Body &&body) {
  auto typed = [&](auto taps) {
    if (dtype == at::kFloat) body(taps, float{});
    else body(taps, c10::BFloat16{});
  };
  if (s.taps() == 2) typed(std::integral_constant<int, 2>{});
  else typed(std::integral_constant<int, 3>{});
}

static void run_forward(const TileShape &s, const at::Tensor &big, const at::Tensor &packed, const Finish &finish,
                        at::Tensor &small) {
  choose(s, big.scalar_type(), [&](auto taps, auto element) {
    using E = decltype(element);
    forward<taps, E>(s, big.const_data_ptr<E>(), packed.const_data_ptr<E>(), finish, small.data_ptr<E>());
  });
}
static void run_adjoint(const TileShape &s, const at::Tensor &small, const at::Tensor &packed, const Finish &finish,
                        at::Tensor &big) {
  choose(s, small.scalar_type(), [&](auto taps, auto element) {
    using E = decltype(element);
    auto *from = small.const_data_ptr<E>(), *factors = packed.const_data_ptr<E>();
    if (is_thin(s)) adjoint_thin<taps, E>(s, from, factors, finish, big.data_ptr<E>());
    else adjoint<taps, E>(s, from, factors, finish, big.data_ptr<E>());
  });
}
static void run_weight(const TileShape &s, const at::Tensor &big, const at::Tensor &small, at::Tensor &gradient) {
  choose(s, big.scalar_type(), [&](auto taps, auto element) {
    using E = decltype(element);
    weight_gradient<taps, E>(s, big.const_data_ptr<E>(), small.const_data_ptr<E>(), gradient.data_ptr<float>());
  });
}
static void run_pack(const TileShape &s, const at::Tensor &weight, bool isAdjoint, at::Tensor &packed) {
  choose(s, packed.scalar_type(), [&](auto taps, auto element) {
    using E = decltype(element);
    pack<taps, E>(s, weight.const_data_ptr<float>(), isAdjoint, packed.data_ptr<E>());
  });
}
