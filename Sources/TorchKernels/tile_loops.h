// The loops of tiles.cpp over blocks of tiles, on all threads; included for each instruction set.

#include "products.h"
#include "tile_kernels.h"
#include "thin_kernels.h"

/// [rows, columns] += or = left [rows, depth] right [depth, columns]. The right one is in panels `rightPitch` apart where
/// `has_panels`, and packed by pairs of rows in bfloat16.
template <class E>
INLINE void multiply(int64_t rows, int64_t columns, int64_t depth, const E *left, int64_t leftPitch, const E *right,
                     int64_t rightPitch, float *product, int64_t productPitch, bool adds) {
  if constexpr (has_panels<E>)
    return multiply_panels(rows, columns, depth, left, leftPitch, right, rightPitch, product, productPitch, adds);
  at::native::cpublas::brgemm(rows, columns, depth, leftPitch, rightPitch, productPitch, adds, left, right, product,
                              /*is_vnni=*/sizeof(E) == 2);
}

/// Frees what libtorch's products have allocated for this thread.
template <class E>
INLINE void end_products() {
  if constexpr (!has_panels<E>) at::native::cpublas::brgemm_release();
}

/// Tiles whose points and products are held at once, so that they stay in a core's cache. In panels, the points of one
/// product are enough: those of the other products are written and read once. Fewer if threads would be idle.
template <class F, class E>
int64_t tiles_of_block(const TileShape &s) {
  if constexpr (!has_panels<E>) return F::P > 16 ? 16 : 64;
  return std::clamp<int64_t>(s.tiles() / at::get_num_threads(), 16, 64);
}

/// Tiles that one product of the weight gradient sums over.
template <class F, class E>
constexpr int64_t TILES_OF_CHUNK = has_panels<E> && F::P > 16 ? 128 : 512;

/// Filters whose products are held at once.
template <class F, class E>
constexpr int64_t FILTERS_OF_BLOCK = !has_panels<E> ? 256 : F::P > 16 ? 64 : 128;

/// Distance between points of `count` numbers. One number of all points is written or read at
/// once, so the distance must not map them to the same cache set.
template <class E>
int64_t plane_of(int64_t count) {
  return count + 64 / sizeof(E);
}

template <class F, class E>
void forward(const TileShape &s, const Pixels<E> &big, const E *weight, const Change &finish, E *small) {
  constexpr int P = F::P, PAIR = sizeof(E) == 2 ? 2 : 1;
  const int64_t depth = s.phases() * s.channels, block = tiles_of_block<F, E>(s), tiles = s.tiles();
  const int64_t columns = std::min<int64_t>(s.filters, FILTERS_OF_BLOCK<F, E>);
  // A power of two would map the rows of a product to the same cache sets.
  const int64_t pitch = has_panels<E> ? depth + LANES : depth;
  parallel((tiles + block - 1) / block, [&](int64_t first, int64_t last) {
    const int64_t plane = plane_of<E>(block * pitch), productPlane = plane_of<float>(block * columns);
    Scratch<E> points(P * plane);
    Scratch<float> products(P * productPlane);
    for (int64_t at = first; at < last; at++) {
      int64_t from = at * block, to = std::min(tiles, from + block), count = to - from;
      for (int64_t phase = 0; phase < s.phases(); phase++)
        big_points<F>(s, big, phase, from, to, points.get() + phase * s.channels, {pitch, LANES, plane});
      for (int64_t filter = 0; filter < s.filters; filter += columns) {
        int64_t width = std::min(columns, s.filters - filter);
        for (int k = 0; k < P; k++)
          multiply<E>(count, width, depth, points.get() + k * plane, pitch,
                      weight + k * depth * s.filters + (has_panels<E> ? depth : PAIR) * filter,
                      has_panels<E> ? depth * LANES : s.filters, products.get() + k * productPlane, width, false);
        small_from<F>(s, products.get(), productPlane, from, to, filter, width, finish, small);
      }
    }
    end_products<E>();
  });
}

template <class F, class E>
void adjoint(const TileShape &s, const Pixels<E> &small, const E *weight, const Change &finish, E *big) {
  constexpr int P = F::P;
  const int64_t block = tiles_of_block<F, E>(s), tileRows = s.tile_rows(), tileColumns = s.tile_columns();
  // Several whole pictures at once, or some rows of one. Rows that the next block overlaps are then carried over.
  const int64_t group = std::max<int64_t>(1, block / s.tiles_of_picture());
  const int64_t strip = group > 1 ? tileRows : std::clamp<int64_t>(block / tileColumns, 1, tileRows);
  const int64_t viewColumns = F::C * tileColumns + F::T - 1, viewRows = F::R * strip + F::T - 1;
  const int64_t rowSize = viewColumns * s.channels, slab = s.filters * s.channels;
  const int64_t capacity = group * strip * tileColumns, pitch = has_panels<E> ? s.filters + LANES : s.filters;
  parallel((s.pictures + group - 1) / group, [&](int64_t first, int64_t last) {
    const int64_t plane = plane_of<E>(capacity * pitch), productPlane = plane_of<float>(capacity * s.channels);
    Scratch<E> points(P * plane);
    Scratch<float> products(P * productPlane), sums(s.phases() * viewRows * rowSize);
    for (int64_t at = first; at < last; at++) {
      int64_t picture = at * group, pictures = std::min(group, s.pictures - picture);
      for (int64_t row = 0; row < tileRows; row += strip) {
        int64_t rows = std::min(strip, tileRows - row), tiles = rows * tileColumns, count = pictures * tiles;
        int64_t from = (picture * tileRows + row) * tileColumns;
        small_points<F>(s, small, from, from + count, points.get(), {pitch, LANES, plane});
        for (int64_t phase = 0; phase < s.phases(); phase++) {
          for (int k = 0; k < P; k++)
            multiply<E>(count, s.channels, s.filters, points.get() + k * plane, pitch,
                        weight + (k * s.phases() + phase) * slab, has_panels<E> ? s.filters * LANES : s.channels,
                        products.get() + k * productPlane, s.channels, false);
          float *sum = sums.get() + phase * viewRows * rowSize;
          bool isLast = row + rows == tileRows;
          for (int64_t i = 0; i < pictures; i++) {
            int64_t carried = row > 0 ? F::T - 1 : 0;
            std::fill(sum + carried * rowSize, sum + (F::R * rows + F::T - 1) * rowSize, 0.f);
            add_view<F>(s, products.get() + i * tiles * s.channels, productPlane, tiles, sum, viewColumns);
            big_from(s, sum, viewColumns, picture + i, phase, F::R * row, F::R * rows + (isLast ? F::T - 1 : 0), finish,
                     big);
          }
          if (!isLast) std::copy(sum + F::R * rows * rowSize, sum + (F::R * rows + F::T - 1) * rowSize, sum);
        }
      }
    }
    end_products<E>();
  });
}

/// `adjoint` for a big picture whose channels and phases fit one vector: T x T shifted products.
template <class F, class E>
void adjoint_thin(const TileShape &s, const Pixels<E> &small, const E *weight, const Change &finish, E *big) {
  constexpr int T = F::T;
  const int64_t pitch = s.columns + 2 * (T - 1), viewRows = s.rows + T - 1;
  // Rows extend into the padding of the next row, so that a whole picture is one product.
  const int64_t pixels = (viewRows - 1) * pitch + s.columns + T - 1;
  parallel(s.pictures, [&](int64_t first, int64_t last) {
    Scratch<E> picture((s.rows + 2 * (T - 1)) * pitch * s.filters);
    Scratch<float> sums(viewRows * pitch * LANES);
    for (int64_t at = first; at < last; at++) {
      padded<F, E>(s, {small.at + at * s.rows * s.columns * s.filters, small.change}, picture.get());
      for (int i = 0; i < T; i++)
        for (int j = 0; j < T; j++)
          multiply<E>(pixels, LANES, s.filters, picture.get() + ((T - 1 - i) * pitch + T - 1 - j) * s.filters,
                      s.filters, weight + (i * T + j) * s.filters * LANES, LANES, sums.get(), LANES, i + j > 0);
      big_from_thin(s, sums.get(), pitch, finish, big + at * s.height * s.width * s.channels);
    }
    end_products<E>();
  });
}

/// products [rows][columns] = left [rows][depth] weight [depth][columns], changed; columns are filters, repeated.
static void point_products(int64_t rows, int64_t depth, int64_t columns, int64_t filters, const float *left,
                           const float *weight, const Change &finish, float *products) {
  constexpr int64_t WIDTH = 4 * LANES;
  parallel((columns + WIDTH - 1) / WIDTH, [&](int64_t first, int64_t last) {
    Scratch<float> panels(depth * WIDTH);
    for (int64_t column = first * WIDTH; column < std::min(columns, last * WIDTH); column += WIDTH) {
      const int64_t count = std::min(WIDTH, columns - column);
      for (int64_t k = 0; k < depth; k++)
        for (int64_t c = 0; c < count; c += LANES)
          store(panels.get() + c * depth + k * LANES, load(weight + k * columns + column + c));
      float *to = products + column;
      multiply_panels(rows, count, depth, left, depth, panels.get(), depth * LANES, to, columns, false);
      if (finish.is_none()) continue;
      for (int64_t row = 0; row < rows; row++)
        for (int64_t c = 0; c < count; c += LANES)
          store(to + row * columns + c, changed(load(to + row * columns + c), finish, (column + c) % filters));
    }
  });
}

template <class F, class E>
void weight_gradient(const TileShape &s, const Pixels<E> &big, const Pixels<E> &small, float *gradient) {
  constexpr int P = F::P, PAIR = sizeof(E) == 2 ? 2 : 1, GRAIN = has_panels<E> ? 8 : 32;
  const int64_t tiles = s.tiles(), chunk = std::min(tiles + tiles % 2, TILES_OF_CHUNK<F, E>);
  // Phase by phase if all tiles are available at once: a quarter of the memory.
  const int64_t together = tiles > chunk ? s.phases() : 1;
  // Not a power of two: successive rows would map to the same cache sets. In panels, the distance of panels.
  const int64_t pitch = has_panels<E> ? chunk * LANES : (chunk + 31) / 32 * 32 + 32;
  const int64_t leftPlane = plane_of<E>(has_panels<E> ? chunk * s.filters : s.filters * pitch);
  const int64_t rightPlane = plane_of<E>(chunk * s.channels), slab = plane_of<float>(s.filters * s.channels);
  Scratch<E> left(P * leftPlane), right(together * P * rightPlane);
  Scratch<float> products(together * P * slab);
  for (int64_t phase = 0; phase < s.phases(); phase += together) {
    for (int64_t from = 0; from < tiles; from += chunk) {
      const int64_t to = std::min(tiles, from + chunk), count = to - from, depth = (count + PAIR - 1) / PAIR * PAIR;
      parallel((count + GRAIN - 1) / GRAIN, [&](int64_t first, int64_t last) {
        int64_t start = from + first * GRAIN, end = std::min(to, from + last * GRAIN);
        if constexpr (has_panels<E>) {
          const int64_t at = (start - from) * LANES;
          if (phase == 0) small_points<F>(s, small, start, end, left.get() + at, {LANES, pitch, leftPlane});
          for (int64_t i = 0; i < together; i++)
            big_points<F>(s, big, phase + i, start, end, right.get() + i * P * rightPlane + at,
                          {LANES, pitch, rightPlane});
        } else {
          if (phase == 0)
            small_points_transposed<F>(s, small, start, end, left.get(), leftPlane, pitch, start - from);
          for (int64_t i = 0; i < together; i++)
            big_points_packed<F>(s, big, phase + i, start, end,
                                 right.get() + i * P * rightPlane + (start - from) * s.channels, rightPlane);
        }
      });
      const int64_t rows = std::min<int64_t>(s.filters, 128), parts = (s.filters + rows - 1) / rows;
      parallel(together * P * parts, [&](int64_t first, int64_t last) {
        for (int64_t at = first; at < last; at++) {
          int64_t point = at / parts, filter = at % parts * rows;
          const int64_t height = std::min(rows, s.filters - filter);
          const E *lefts = left.get() + point % P * leftPlane, *rights = right.get() + point * rightPlane;
          float *to = products.get() + point * slab + filter * s.channels;
          if constexpr (has_panels<E>)
            multiply_transposed(height, s.channels, depth, lefts + filter / LANES * pitch, pitch, rights, pitch, to,
                                s.channels, from > 0);
          else
            multiply<E>(height, s.channels, depth, lefts + filter * pitch, pitch, rights, s.channels, to, s.channels,
                        from > 0);
        }
        end_products<E>();
      });
    }
    parallel(s.filters, [&](int64_t first, int64_t last) {
      for (int64_t i = 0; i < together; i++)
        weight_from<F>(s, products.get() + i * P * slab, slab, phase + i, first, last, gradient);
    });
  }
}

template <class F, class E>
void pack(const TileShape &s, const float *weight, bool isAdjoint, E *packed) {
  if (is_thin(s)) return pack_thin<F>(s, weight, packed);
  parallel(s.filters / 16, [&](int64_t first, int64_t last) {
    if (isAdjoint) pack_adjoint<F>(s, weight, 16 * first, 16 * last, packed);
    else pack_forward<F>(s, weight, 16 * first, 16 * last, packed);
  });
}

/// Adds words first..<last, each multiplied by a hash of its index, to `sum`.
static void sum_words(const uint32_t *words, int64_t first, int64_t last, uint64_t &sum) {
  uint64_t parts[8] = {};
  int64_t at = first;
  for (; at + 8 <= last; at += 8)
    for (int lane = 0; lane < 8; lane++)
      parts[lane] += static_cast<uint64_t>(words[at + lane]) * (2 * static_cast<uint32_t>(at + lane) + 1);
  for (; at < last; at++) parts[0] += static_cast<uint64_t>(words[at]) * (2 * static_cast<uint32_t>(at) + 1);
  for (uint64_t part : parts) sum += part;
}

// ---- Entry points of tiles.cpp ----------------------------------------------------------------------------------

/// Calls `body` with the form of the tiles and the element's type.
template <class Body>
void choose(const TileShape &s, Body &&body) {
  auto typed = [&](auto element) {
    if (!s.has_large_tiles()) s.taps() == 2 ? body(Form<2, 2, 2>{}, element) : body(Form<3, 2, 2>{}, element);
    else s.taps() == 2 ? body(Form<2, 4, 4>{}, element) : body(Form<3, 2, 4>{}, element);
  };
  s.dtype == at::kFloat ? typed(float{}) : typed(c10::BFloat16{});
}

template <class E>
Pixels<E> pixels(const Seen &seen) {
  return {read_elements<E>(seen.pictures), seen.change};
}

static void run_forward(const TileShape &s, const Seen &big, const at::Tensor &packed, const Change &finish,
                        at::Tensor &small) {
  choose(s, [&](auto form, auto element) {
    using F = decltype(form);
    using E = decltype(element);
    forward<F, E>(s, pixels<E>(big), read_elements<E>(packed), finish, write_elements<E>(small));
  });
}
static void run_adjoint(const TileShape &s, const Seen &small, const at::Tensor &packed, const Change &finish,
                        at::Tensor &big) {
  choose(s, [&](auto form, auto element) {
    using F = decltype(form);
    using E = decltype(element);
    const auto from = pixels<E>(small);
    auto *factors = read_elements<E>(packed);
    if (is_thin(s)) adjoint_thin<F, E>(s, from, factors, finish, write_elements<E>(big));
    else adjoint<F, E>(s, from, factors, finish, write_elements<E>(big));
  });
}
static void run_weight(const TileShape &s, const Seen &big, const Seen &small, at::Tensor &gradient) {
  choose(s, [&](auto form, auto element) {
    using F = decltype(form);
    using E = decltype(element);
    weight_gradient<F, E>(s, pixels<E>(big), pixels<E>(small), write_elements<float>(gradient));
  });
}
static void run_pack(const TileShape &s, const at::Tensor &weight, bool isAdjoint, at::Tensor &packed) {
  choose(s, [&](auto form, auto element) {
    using F = decltype(form);
    using E = decltype(element);
    pack<F, E>(s, read_elements<float>(weight), isAdjoint, write_elements<E>(packed));
  });
}
