// The inner loops of tiles.cpp over channels; included by tile_loops.h for each instruction set.

#include "change_loops.h"
#include "tile_points.h"

/// Read access to pictures.
template <class E>
struct Pixels {
  const E *at;
  Change change;

  /// The values at `count` positions, starting at `channel`; zero for position -1, outside the picture.
  FORCED void read(const int64_t *places, int count, int64_t channel, Floats *values) const {
    if (change.is_none()) {
      for (int k = 0; k < count; k++) values[k] = places[k] < 0 ? Floats{} : load(at + places[k] + channel);
    } else {
      for (int k = 0; k < count; k++)
        values[k] = places[k] < 0 ? Floats{} : changed(load(at + places[k] + channel), change, channel);
    }
  }
};

/// Prefetches the pixels at these positions, starting at `channel`, one request per cache line. The order of tiles is one
/// that the hardware prefetcher does not predict.
template <class E>
INLINE void bring(const Pixels<E> &pixels, const int64_t *places, int count, int64_t channel) {
  if (channel % int64_t(64 / sizeof(E)) == 0)
    for (int k = 0; k < count; k++) __builtin_prefetch(pixels.at + std::max<int64_t>(places[k], 0) + channel);
}

// ---- Blocks of tiles ------------------------------------------------------------------------------------------

/// The pixels of the big picture under tile `tile`, in one phase of space-to-depth.
template <class F>
struct BigTile {
  int64_t offset[F::P];  // in elements, or -1 outside of the picture

  INLINE BigTile at(const TileShape &s, int64_t tile, int64_t phase) {
    BigTile found;
    int64_t picture = tile / F::tiles_of_picture(s), inside = tile % F::tiles_of_picture(s);
    int64_t top = F::R * (inside / F::tile_columns(s)) * s.stride - s.padding + phase / s.stride;
    int64_t left = F::C * (inside % F::tile_columns(s)) * s.stride - s.padding + phase % s.stride;
    for (int i = 0; i < F::H; i++)
      for (int j = 0; j < F::W; j++) {
        int64_t y = top + i * s.stride, x = left + j * s.stride;
        bool isInside = y >= 0 && y < s.height && x >= 0 && x < s.width;
        found.offset[i * F::W + j] = isInside ? ((picture * s.height + y) * s.width + x) * s.channels : -1;
      }
    return found;
  }
};

/// The pixels of the small picture in tile `tile`.
template <class F>
struct SmallTile {
  int64_t offset[F::RESULTS];  // in elements, or -1 outside of the picture

  INLINE SmallTile at(const TileShape &s, int64_t tile) {
    SmallTile found;
    int64_t picture = tile / F::tiles_of_picture(s), inside = tile % F::tiles_of_picture(s);
    int64_t top = F::R * (inside / F::tile_columns(s)), left = F::C * (inside % F::tile_columns(s));
    for (int k = 0; k < F::RESULTS; k++) {
      int64_t y = top + k / F::C, x = left + k % F::C;
      found.offset[k] = y < s.rows && x < s.columns ? ((picture * s.rows + y) * s.columns + x) * s.filters : -1;
    }
    return found;
  }
};

/// Where one point of tiles is stored: the distances of tiles and of groups of LANES channels, and that of points.
struct Layout {
  int64_t tile, group, plane;
};

/// Tiles from..<to of one phase as points.
template <class F, class E>
void big_points(const TileShape &s, const Pixels<E> &big, int64_t phase, int64_t from, int64_t to, E *points,
                const Layout &layout) {
  constexpr int P = F::P;
  auto next = BigTile<F>::at(s, from, phase);
  for (int64_t tile = from; tile < to; tile++) {
    const auto place = next;
    next = BigTile<F>::at(s, std::min(tile + 1, to - 1), phase);
    E *to = points + (tile - from) * layout.tile;
    for (int64_t c = 0; c < s.channels; c += LANES, to += layout.group) {
      Floats d[P], v[P];
      bring(big, next.offset, P, c);
      big.read(place.offset, P, c, d);
      input2<F>(d, v);
      for (int k = 0; k < P; k++) store(to + k * layout.plane, v[k]);
    }
  }
}

/// The transpose of `output2` on tiles from..<to, as points.
template <class F, class E>
void small_points(const TileShape &s, const Pixels<E> &small, int64_t from, int64_t to, E *points,
                  const Layout &layout) {
  constexpr int P = F::P;
  auto next = SmallTile<F>::at(s, from);
  for (int64_t tile = from; tile < to; tile++) {
    const auto place = next;
    next = SmallTile<F>::at(s, std::min(tile + 1, to - 1));
    E *to = points + (tile - from) * layout.tile;
    for (int64_t f = 0; f < s.filters; f += LANES, to += layout.group) {
      Floats y[F::RESULTS], m[P];
      bring(small, next.offset, F::RESULTS, f);
      small.read(place.offset, F::RESULTS, f, y);
      output2_adjoint<F>(y, m);
      for (int k = 0; k < P; k++) store(to + k * layout.plane, m[k]);
    }
  }
}

/// Products [points][tiles][count], `plane` apart, of filters first..<first + count to the small picture.
template <class F, class E>
void small_from(const TileShape &s, const float *products, int64_t plane, int64_t from, int64_t to, int64_t first,
                int64_t count, const Change &finish, E *small) {
  constexpr int P = F::P;
  for (int64_t tile = from; tile < to; tile++) {
    auto place = SmallTile<F>::at(s, tile);
    const float *row = products + (tile - from) * count;
    for (int64_t f = 0; f < count; f += LANES) {
      Floats m[P], y[F::RESULTS];
      for (int k = 0; k < P; k++) m[k] = load(row + k * plane + f);
      output2<F>(m, y);
      for (int k = 0; k < F::RESULTS; k++)
        if (place.offset[k] >= 0) store(small + place.offset[k] + first + f, changed(y[k], finish, first + f));
    }
  }
}

/// Adds products [points][tiles][channels] of one phase, `plane` apart, to sums [view rows][view columns][channels];
/// the tiles are whole tile rows of one picture.
template <class F>
void add_view(const TileShape &s, const float *products, int64_t plane, int64_t tiles, float *sums,
              int64_t viewColumns) {
  constexpr int P = F::P;
  for (int64_t tile = 0; tile < tiles; tile++) {
    int64_t row = tile / F::tile_columns(s), column = tile % F::tile_columns(s);
    const float *from = products + tile * s.channels;
    float *to = sums + (F::R * row * viewColumns + F::C * column) * s.channels;
    for (int64_t c = 0; c < s.channels; c += LANES) {
      Floats v[P], d[P];
      for (int k = 0; k < P; k++) v[k] = load(from + k * plane + c);
      input2_adjoint<F>(v, d);
      for (int i = 0; i < F::H; i++)
        for (int j = 0; j < F::W; j++) {
          float *sum = to + (i * viewColumns + j) * s.channels + c;
          store(sum, load(sum) + d[i * F::W + j]);
        }
    }
  }
}

/// Rows of sums to one phase of the big picture.
template <class E>
void big_from(const TileShape &s, const float *sums, int64_t viewColumns, int64_t picture, int64_t phase,
              int64_t firstRow, int64_t rows, const Change &finish, E *big) {
  for (int64_t i = 0; i < rows; i++) {
    int64_t y = (firstRow + i) * s.stride - s.padding + phase / s.stride;
    if (y < 0 || y >= s.height) continue;
    for (int64_t j = 0; j < viewColumns; j++) {
      int64_t x = j * s.stride - s.padding + phase % s.stride;
      if (x < 0 || x >= s.width) continue;
      const float *from = sums + (i * viewColumns + j) * s.channels;
      E *to = big + ((picture * s.height + y) * s.width + x) * s.channels;
      for (int64_t c = 0; c < s.channels; c += LANES) store(to + c, changed(load(from + c), finish, c));
    }
  }
}

// ---- Layouts of the factors ---------------------------------------------------------------------------------

/// The points of `big_points` in the layout of a right factor: [points][tiles / 2][channels][2], or row-major in float32.
template <class F, class E>
void big_points_packed(const TileShape &s, const Pixels<E> &big, int64_t phase, int64_t from, int64_t to, E *points,
                       int64_t plane) {
  constexpr int P = F::P;
  if constexpr (sizeof(E) == 4) {
    big_points<F>(s, big, phase, from, to, points, {s.channels, LANES, plane});
  } else {
    auto nextFirst = BigTile<F>::at(s, from, phase), nextSecond = BigTile<F>::at(s, std::min(from + 1, to - 1), phase);
    for (int64_t tile = from; tile < to; tile += 2) {
      const auto first = nextFirst, second = nextSecond;
      nextFirst = BigTile<F>::at(s, std::min(tile + 2, to - 1), phase);
      nextSecond = BigTile<F>::at(s, std::min(tile + 3, to - 1), phase);
      for (int64_t c = 0; c < s.channels; c += LANES) {
        Floats d[P], v[P], w[P];
        bring(big, nextFirst.offset, P, c), bring(big, nextSecond.offset, P, c);
        big.read(first.offset, P, c, d);
        input2<F>(d, v);
        if (tile + 1 < to) {
          big.read(second.offset, P, c, d);
          input2<F>(d, w);
        } else {
          for (int k = 0; k < P; k++) w[k] = Floats{};
        }
        for (int k = 0; k < P; k++) store_pairs(points + k * plane + (tile - from) * s.channels + 2 * c, v[k], w[k]);
      }
    }
  }
}

/// One step of a transposition: lanes with bit S change places between a and b.
template <int S, size_t... L>
INLINE void swap_lanes(Words &a, Words &b, std::index_sequence<L...>) {
#if defined(__clang__)
  Words low = __builtin_shufflevector(a, b, (L & S ? LANES + L - S : L)...);
  b = __builtin_shufflevector(a, b, (L & S ? LANES + L : L + S)...);
#else
  Words low = __builtin_shuffle(a, b, Words{(L & S ? LANES + L - S : L)...});
  b = __builtin_shuffle(a, b, Words{(L & S ? LANES + L : L + S)...});
#endif
  a = low;
}
template <int S>
INLINE void transpose_step(Words *rows) {
  for (int i = 0; i < LANES; i++)
    if (!(i & S)) swap_lanes<S>(rows[i], rows[i + S], std::make_index_sequence<LANES>());
}
INLINE void transpose(Words *rows) {
  transpose_step<1>(rows), transpose_step<2>(rows), transpose_step<4>(rows), transpose_step<8>(rows);
}

/// The points of `small_points`, transposed: [points][filters][pitch] over tiles from `column` on, in groups of up to 32
/// tiles, padded with zeros.
template <class F, class E>
void small_points_transposed(const TileShape &s, const Pixels<E> &small, int64_t from, int64_t to, E *points,
                             int64_t plane, int64_t pitch, int64_t column) {
  constexpr int P = F::P, PAIR = 4 / sizeof(E);
  for (int64_t start = from; start < to; start += PAIR * LANES)
    for (int64_t f = 0; f < s.filters; f += LANES) {
      Words block[P][LANES];
      for (int i = 0; i < LANES; i++) {
        Floats m[PAIR][P];
        for (int half = 0; half < PAIR; half++) {
          Floats y[F::RESULTS] = {};
          int64_t tile = start + PAIR * i + half;
          if (tile < to) {
            const auto place = SmallTile<F>::at(s, tile);
            if (f + 64 / int64_t(sizeof(E)) < s.filters) bring(small, place.offset, F::RESULTS, f + 64 / sizeof(E));
            small.read(place.offset, F::RESULTS, f, y);
          }
          output2_adjoint<F>(y, m[half]);
        }
        for (int k = 0; k < P; k++)
          block[k][i] = PAIR == 1 ? bits(m[0][k]) : rounded(m[0][k]) | rounded(m[PAIR - 1][k]) << 16;
      }
      for (int k = 0; k < P; k++) {
        transpose(block[k]);
        for (int lane = 0; lane < LANES; lane++)
          __builtin_memcpy(points + k * plane + (f + lane) * pitch + column + start - from, &block[k][lane],
                           sizeof(Words));
      }
    }
}

/// The taps of one phase for filter `filter`, of weights [filters][kernel][kernel][channels].
template <class F>
INLINE void load_taps(const TileShape &s, const float *weight, int64_t filter, int64_t phase, int64_t channel,
                      Floats *g) {
  for (int i = 0; i < F::T; i++)
    for (int j = 0; j < F::T; j++) {
      int64_t y = i * s.stride + phase / s.stride, x = j * s.stride + phase % s.stride;
      g[i * F::T + j] = y < s.kernel && x < s.kernel
                         ? load(weight + ((filter * s.kernel + y) * s.kernel + x) * s.channels + channel)
                         : Floats{};
    }
}

/// Weights as the right factor of `tile_forward`: [points][phases channels / 2][filters][2], or in panels; filters
/// from..<to.
template <class F, class E>
void pack_forward(const TileShape &s, const float *weight, int64_t from, int64_t to, E *packed) {
  constexpr int P = F::P, B = 16;
  int64_t depth = s.phases() * s.channels, plane = depth * s.filters;
  for (int64_t start = from; start < to; start += B)
    for (int64_t phase = 0; phase < s.phases(); phase++)
      for (int64_t c = 0; c < s.channels; c += LANES) {
        E block[P][B][LANES];
        for (int i = 0; i < B; i++) {
          Floats g[F::T * F::T], u[P];
          load_taps<F>(s, weight, start + i, phase, c, g);
          weight2<F>(g, u);
          for (int k = 0; k < P; k++) store(block[k][i], u[k]);
        }
        int64_t row = phase * s.channels + c;
        for (int k = 0; k < P; k++) {
          if constexpr (has_panels<E>) {
            Words rows[LANES];
            __builtin_memcpy(rows, block[k], sizeof rows);
            transpose(rows);
            __builtin_memcpy(packed + k * plane + start * depth + row * LANES, rows, sizeof rows);
          } else if constexpr (sizeof(E) == 4) {
            for (int lane = 0; lane < LANES; lane++)
              for (int i = 0; i < B; i++) packed[k * plane + (row + lane) * s.filters + start + i] = block[k][i][lane];
          } else {
            for (int pair = 0; pair < LANES / 2; pair++) {
              E *to = packed + k * plane + (row / 2 + pair) * s.filters * 2 + start * 2;
              for (int i = 0; i < B; i++) __builtin_memcpy(to + 2 * i, &block[k][i][2 * pair], 2 * sizeof(E));
            }
          }
        }
      }
}

/// Weights as the right factor of `tile_adjoint`: [points][phases][filters / 2][channels][2], or in panels; filters
/// from..<to.
template <class F, class E>
void pack_adjoint(const TileShape &s, const float *weight, int64_t from, int64_t to, E *packed) {
  constexpr int P = F::P, step = sizeof(E) == 4 ? 1 : 2;
  int64_t slab = s.filters * s.channels, plane = s.phases() * slab;
  for (int64_t f = from; f < to; f += step)
    for (int64_t phase = 0; phase < s.phases(); phase++)
      for (int64_t c = 0; c < s.channels; c += LANES) {
        Floats g[F::T * F::T], u[P];
        load_taps<F>(s, weight, f, phase, c, g);
        weight2<F>(g, u);
        E *to = packed + phase * slab + (has_panels<E> ? c * s.filters + f * LANES : f * s.channels + step * c);
        if constexpr (sizeof(E) == 4) {
          for (int k = 0; k < P; k++) store(to + k * plane, u[k]);
        } else {
          Floats v[P];
          load_taps<F>(s, weight, f + 1, phase, c, g);
          weight2<F>(g, v);
          for (int k = 0; k < P; k++) store_pairs(to + k * plane, u[k], v[k]);
        }
      }
}

/// Products [points][filters][channels], `plane` apart, of one phase to gradients [filters][kernel][kernel][channels].
template <class F>
void weight_from(const TileShape &s, const float *products, int64_t plane, int64_t phase, int64_t from, int64_t to,
                 float *weight) {
  constexpr int P = F::P;
  for (int64_t f = from; f < to; f++)
    for (int64_t c = 0; c < s.channels; c += LANES) {
      Floats u[P], g[F::T * F::T];
      for (int k = 0; k < P; k++) u[k] = load(products + k * plane + f * s.channels + c);
      weight2_adjoint<F>(u, g);
      for (int i = 0; i < F::T; i++)
        for (int j = 0; j < F::T; j++) {
          int64_t y = i * s.stride + phase / s.stride, x = j * s.stride + phase % s.stride;
          if (y < s.kernel && x < s.kernel)
            store(weight + ((f * s.kernel + y) * s.kernel + x) * s.channels + c, g[i * F::T + j]);
        }
    }
}
