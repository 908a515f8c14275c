// The inner loops of tiles.cpp over channels; included by tile_loops.h for each instruction set.

// ---- One dimension: T taps, T + 1 points, two outputs ------------------------------------------------------

template <int T>
INLINE void input1(const Floats *d, int step, Floats *v) {
  if constexpr (T == 2) {
    v[0] = d[0] - d[step], v[step] = d[step], v[2 * step] = d[step] - d[2 * step];
  } else {
    v[0] = d[0] - d[2 * step], v[step] = d[step] + d[2 * step];
    v[2 * step] = d[2 * step] - d[step], v[3 * step] = d[step] - d[3 * step];
  }
}
template <int T>
INLINE void input1_adjoint(const Floats *v, int step, Floats *d) {
  if constexpr (T == 2) {
    d[0] = v[0], d[step] = v[step] + v[2 * step] - v[0], d[2 * step] = -v[2 * step];
  } else {
    d[0] = v[0], d[step] = v[step] - v[2 * step] + v[3 * step];
    d[2 * step] = v[step] + v[2 * step] - v[0], d[3 * step] = -v[3 * step];
  }
}
template <int T>
INLINE void output1(const Floats *m, int step, Floats *y, int out) {
  if constexpr (T == 2) {
    y[0] = m[0] + m[step], y[out] = m[step] - m[2 * step];
  } else {
    y[0] = m[0] + m[step] + m[2 * step], y[out] = m[step] - m[2 * step] - m[3 * step];
  }
}
template <int T>
INLINE void output1_adjoint(const Floats *y, int in, Floats *m, int step) {
  if constexpr (T == 2) {
    m[0] = y[0], m[step] = y[0] + y[in], m[2 * step] = -y[in];
  } else {
    m[0] = y[0], m[step] = y[0] + y[in], m[2 * step] = y[0] - y[in], m[3 * step] = -y[in];
  }
}
template <int T>
INLINE void weight1(const Floats *g, int in, Floats *u, int step) {
  if constexpr (T == 2) {
    u[0] = g[0], u[step] = g[0] + g[in], u[2 * step] = g[in];
  } else {
    Floats even = (g[0] + g[2 * in]) * 0.5f, odd = g[in] * 0.5f;
    u[0] = g[0], u[step] = even + odd, u[2 * step] = even - odd, u[3 * step] = g[2 * in];
  }
}
template <int T>
INLINE void weight1_adjoint(const Floats *u, int step, Floats *g, int out) {
  if constexpr (T == 2) {
    g[0] = u[0] + u[step], g[out] = u[step] + u[2 * step];
  } else {
    Floats even = (u[step] + u[2 * step]) * 0.5f;
    g[0] = u[0] + even, g[out] = (u[step] - u[2 * step]) * 0.5f, g[2 * out] = u[3 * step] + even;
  }
}

// ---- Two dimensions -----------------------------------------------------------------------------------------

template <int T>
INLINE void input2(const Floats *d, Floats *v) {
  constexpr int S = T + 1;
  Floats half[S * S];
  for (int i = 0; i < S; i++) input1<T>(d + i, S, half + i);
  for (int i = 0; i < S; i++) input1<T>(half + i * S, 1, v + i * S);
}
template <int T>
INLINE void input2_adjoint(const Floats *v, Floats *d) {
  constexpr int S = T + 1;
  Floats half[S * S];
  for (int i = 0; i < S; i++) input1_adjoint<T>(v + i, S, half + i);
  for (int i = 0; i < S; i++) input1_adjoint<T>(half + i * S, 1, d + i * S);
}
template <int T>
INLINE void output2(const Floats *m, Floats *y) {
  constexpr int S = T + 1;
  Floats half[2 * S];
  for (int i = 0; i < S; i++) output1<T>(m + i, S, half + i, S);
  for (int i = 0; i < 2; i++) output1<T>(half + i * S, 1, y + i * 2, 1);
}
template <int T>
INLINE void output2_adjoint(const Floats *y, Floats *m) {
  constexpr int S = T + 1;
  Floats half[2 * S];
  for (int i = 0; i < 2; i++) output1_adjoint<T>(y + i * 2, 1, half + i * S, 1);
  for (int i = 0; i < S; i++) output1_adjoint<T>(half + i, S, m + i, S);
}
template <int T>
INLINE void weight2(const Floats *g, Floats *u) {
  constexpr int S = T + 1;
  Floats half[S * T];
  for (int i = 0; i < T; i++) weight1<T>(g + i, T, half + i, T);
  for (int i = 0; i < S; i++) weight1<T>(half + i * T, 1, u + i * S, 1);
}
template <int T>
INLINE void weight2_adjoint(const Floats *u, Floats *g) {
  constexpr int S = T + 1;
  Floats half[S * T];
  for (int i = 0; i < S; i++) weight1_adjoint<T>(u + i * S, 1, half + i * T, 1);
  for (int i = 0; i < T; i++) weight1_adjoint<T>(half + i, T, g + i, T);
}

INLINE Floats finished(Floats x, const Finish &finish, int64_t channel) {
  if (finish.bias) x += load(finish.bias + channel);
  if (finish.slope == 1) return x;
  Floats scaled = x * finish.slope;
  return x > 0 ? x : scaled;
}

// ---- Blocks of tiles ------------------------------------------------------------------------------------------

/// The pixels of the big picture under tile `tile`, in one phase of space-to-depth.
template <int T>
struct BigTile {
  int64_t offset[(T + 1) * (T + 1)];  // in elements, or -1 outside of the picture

  INLINE BigTile at(const TileShape &s, int64_t tile, int64_t phase) {
    BigTile found;
    int64_t picture = tile / s.tiles_of_picture(), inside = tile % s.tiles_of_picture();
    int64_t top = 2 * (inside / s.tile_columns()) * s.stride - s.padding + phase / s.stride;
    int64_t left = 2 * (inside % s.tile_columns()) * s.stride - s.padding + phase % s.stride;
    for (int i = 0; i <= T; i++)
      for (int j = 0; j <= T; j++) {
        int64_t y = top + i * s.stride, x = left + j * s.stride;
        bool isInside = y >= 0 && y < s.height && x >= 0 && x < s.width;
        found.offset[i * (T + 1) + j] = isInside ? ((picture * s.height + y) * s.width + x) * s.channels : -1;
      }
    return found;
  }
  template <class E>
  FORCED void load_all(const E *big, int64_t channel, Floats *d) const {
    for (int k = 0; k < (T + 1) * (T + 1); k++) d[k] = offset[k] < 0 ? Floats{} : load(big + offset[k] + channel);
  }
};

/// The four pixels of the small picture in tile `tile`.
struct SmallTile {
  int64_t offset[4];

  INLINE SmallTile at(const TileShape &s, int64_t tile) {
    SmallTile found;
    int64_t picture = tile / s.tiles_of_picture(), inside = tile % s.tiles_of_picture();
    int64_t top = 2 * (inside / s.tile_columns()), left = 2 * (inside % s.tile_columns());
    for (int k = 0; k < 4; k++) {
      int64_t y = top + k / 2, x = left + k % 2;
      found.offset[k] = y < s.rows && x < s.columns ? ((picture * s.rows + y) * s.columns + x) * s.filters : -1;
    }
    return found;
  }
  template <class E>
  FORCED void load_all(const E *small, int64_t filter, Floats *y) const {
    for (int k = 0; k < 4; k++) y[k] = offset[k] < 0 ? Floats{} : load(small + offset[k] + filter);
  }
};

/// Tiles from..<to of one phase as points [points][tiles][pitch], at column `column`.
template <int T, class E>
void big_points(const TileShape &s, const E *big, int64_t phase, int64_t from, int64_t to, E *points, int64_t pitch,
                int64_t column) {
  constexpr int P = (T + 1) * (T + 1);
  int64_t plane = (to - from) * pitch;
  for (int64_t tile = from; tile < to; tile++) {
    auto place = BigTile<T>::at(s, tile, phase);
    E *row = points + (tile - from) * pitch + column;
    for (int64_t c = 0; c < s.channels; c += LANES) {
      Floats d[P], v[P];
      place.load_all(big, c, d);
      input2<T>(d, v);
      for (int k = 0; k < P; k++) store(row + k * plane + c, v[k]);
    }
  }
}

/// The transpose of `output2` on tiles from..<to: points [points][tiles][filters].
template <int T, class E>
void small_points(const TileShape &s, const E *small, int64_t from, int64_t to, E *points) {
  constexpr int P = (T + 1) * (T + 1);
  int64_t plane = (to - from) * s.filters;
  for (int64_t tile = from; tile < to; tile++) {
    auto place = SmallTile::at(s, tile);
    E *row = points + (tile - from) * s.filters;
    for (int64_t f = 0; f < s.filters; f += LANES) {
      Floats y[4], m[P];
      place.load_all(small, f, y);
      output2_adjoint<T>(y, m);
      for (int k = 0; k < P; k++) store(row + k * plane + f, m[k]);
    }
  }
}

/// Products [points][tiles][count] of filters first..<first + count to the small picture.
template <int T, class E>
void small_from(const TileShape &s, const float *products, int64_t from, int64_t to, int64_t first, int64_t count,
                const Finish &finish, E *small) {
  constexpr int P = (T + 1) * (T + 1);
  int64_t plane = (to - from) * count;
  for (int64_t tile = from; tile < to; tile++) {
    auto place = SmallTile::at(s, tile);
    const float *row = products + (tile - from) * count;
    for (int64_t f = 0; f < count; f += LANES) {
      Floats m[P], y[4];
      for (int k = 0; k < P; k++) m[k] = load(row + k * plane + f);
      output2<T>(m, y);
      for (int k = 0; k < 4; k++)
        if (place.offset[k] >= 0) store(small + place.offset[k] + first + f, finished(y[k], finish, first + f));
    }
  }
}

/// Adds products [points][tiles][channels] of one phase, `plane` apart, to sums [view rows][view columns][channels];
/// the tiles are whole tile rows of one picture.
template <int T>
void add_view(const TileShape &s, const float *products, int64_t plane, int64_t tiles, float *sums,
              int64_t viewColumns) {
  constexpr int P = (T + 1) * (T + 1);
  for (int64_t tile = 0; tile < tiles; tile++) {
    int64_t row = tile / s.tile_columns(), column = tile % s.tile_columns();
    const float *from = products + tile * s.channels;
    float *to = sums + (2 * row * viewColumns + 2 * column) * s.channels;
    for (int64_t c = 0; c < s.channels; c += LANES) {
      Floats v[P], d[P];
      for (int k = 0; k < P; k++) v[k] = load(from + k * plane + c);
      input2_adjoint<T>(v, d);
      for (int i = 0; i <= T; i++)
        for (int j = 0; j <= T; j++) {
          float *sum = to + (i * viewColumns + j) * s.channels + c;
          store(sum, load(sum) + d[i * (T + 1) + j]);
        }
    }
  }
}

/// Rows of sums to one phase of the big picture.
template <class E>
void big_from(const TileShape &s, const float *sums, int64_t viewColumns, int64_t picture, int64_t phase,
              int64_t firstRow, int64_t rows, const Finish &finish, E *big) {
  for (int64_t i = 0; i < rows; i++) {
    int64_t y = (firstRow + i) * s.stride - s.padding + phase / s.stride;
    if (y < 0 || y >= s.height) continue;
    for (int64_t j = 0; j < viewColumns; j++) {
      int64_t x = j * s.stride - s.padding + phase % s.stride;
      if (x < 0 || x >= s.width) continue;
      const float *from = sums + (i * viewColumns + j) * s.channels;
      E *to = big + ((picture * s.height + y) * s.width + x) * s.channels;
      for (int64_t c = 0; c < s.channels; c += LANES) store(to + c, finished(load(from + c), finish, c));
    }
  }
}

// ---- Layouts that the products take -------------------------------------------------------------------------

/// As `big_points`, laid out as a right factor over tiles: [points][tiles / 2][channels][2], or plain in float32.
template <int T, class E>
void big_points_packed(const TileShape &s, const E *big, int64_t phase, int64_t from, int64_t to, E *points,
                       int64_t plane) {
  constexpr int P = (T + 1) * (T + 1);
  if constexpr (sizeof(E) == 4) {
    for (int64_t tile = from; tile < to; tile++) {
      auto place = BigTile<T>::at(s, tile, phase);
      for (int64_t c = 0; c < s.channels; c += LANES) {
        Floats d[P], v[P];
        place.load_all(big, c, d);
        input2<T>(d, v);
        for (int k = 0; k < P; k++) store(points + k * plane + (tile - from) * s.channels + c, v[k]);
      }
    }
  } else {
    for (int64_t tile = from; tile < to; tile += 2) {
      auto first = BigTile<T>::at(s, tile, phase), second = BigTile<T>::at(s, tile + 1, phase);
      for (int64_t c = 0; c < s.channels; c += LANES) {
        Floats d[P], v[P], w[P];
        first.load_all(big, c, d);
        input2<T>(d, v);
        if (tile + 1 < to) {
          second.load_all(big, c, d);
          input2<T>(d, w);
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

/// As `small_points`, transposed: [points][filters][pitch] over tiles from `column` on, in groups of up to 32 tiles that
/// zeros fill up.
template <int T, class E>
void small_points_transposed(const TileShape &s, const E *small, int64_t from, int64_t to, E *points, int64_t plane,
                             int64_t pitch, int64_t column) {
  constexpr int P = (T + 1) * (T + 1), PAIR = 4 / sizeof(E);
  for (int64_t start = from; start < to; start += PAIR * LANES)
    for (int64_t f = 0; f < s.filters; f += LANES) {
      Words block[P][LANES];
      for (int i = 0; i < LANES; i++) {
        Floats m[PAIR][P];
        for (int half = 0; half < PAIR; half++) {
          Floats y[4] = {};
          int64_t tile = start + PAIR * i + half;
          if (tile < to) SmallTile::at(s, tile).load_all(small, f, y);
          output2_adjoint<T>(y, m[half]);
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
template <int T>
INLINE void load_taps(const TileShape &s, const float *weight, int64_t filter, int64_t phase, int64_t channel,
                      Floats *g) {
  for (int i = 0; i < T; i++)
    for (int j = 0; j < T; j++) {
      int64_t y = i * s.stride + phase / s.stride, x = j * s.stride + phase % s.stride;
      g[i * T + j] = y < s.kernel && x < s.kernel
                         ? load(weight + ((filter * s.kernel + y) * s.kernel + x) * s.channels + channel)
                         : Floats{};
    }
}

/// Weights as the right factor of `tile_forward`: [points][phases channels / 2][filters][2]; filters from..<to.
template <int T, class E>
void pack_forward(const TileShape &s, const float *weight, int64_t from, int64_t to, E *packed) {
  constexpr int P = (T + 1) * (T + 1), B = 16;
  int64_t depth = s.phases() * s.channels, plane = depth * s.filters;
  for (int64_t start = from; start < to; start += B)
    for (int64_t phase = 0; phase < s.phases(); phase++)
      for (int64_t c = 0; c < s.channels; c += LANES) {
        E block[P][B][LANES];
        for (int i = 0; i < B; i++) {
          Floats g[T * T], u[P];
          load_taps<T>(s, weight, start + i, phase, c, g);
          weight2<T>(g, u);
          for (int k = 0; k < P; k++) store(block[k][i], u[k]);
        }
        int64_t row = phase * s.channels + c;
        for (int k = 0; k < P; k++) {
          if constexpr (sizeof(E) == 4) {
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

/// Weights as the right factor of `tile_adjoint`: [points][phases][filters / 2][channels][2]; filters from..<to.
template <int T, class E>
void pack_adjoint(const TileShape &s, const float *weight, int64_t from, int64_t to, E *packed) {
  constexpr int P = (T + 1) * (T + 1), step = sizeof(E) == 4 ? 1 : 2;
  int64_t slab = s.filters * s.channels, plane = s.phases() * slab;
  for (int64_t f = from; f < to; f += step)
    for (int64_t phase = 0; phase < s.phases(); phase++)
      for (int64_t c = 0; c < s.channels; c += LANES) {
        Floats g[T * T], u[P];
        load_taps<T>(s, weight, f, phase, c, g);
        weight2<T>(g, u);
        E *to = packed + phase * slab + f * s.channels + step * c;
        if constexpr (sizeof(E) == 4) {
          for (int k = 0; k < P; k++) store(to + k * plane, u[k]);
        } else {
          Floats v[P];
          load_taps<T>(s, weight, f + 1, phase, c, g);
          weight2<T>(g, v);
          for (int k = 0; k < P; k++) store_pairs(to + k * plane, u[k], v[k]);
        }
      }
}

/// Products [points][filters][channels] of one phase to gradients [filters][kernel][kernel][channels].
template <int T>
void weight_from(const TileShape &s, const float *products, int64_t phase, int64_t from, int64_t to, float *weight) {
  constexpr int P = (T + 1) * (T + 1);
  int64_t plane = s.filters * s.channels;
  for (int64_t f = from; f < to; f++)
    for (int64_t c = 0; c < s.channels; c += LANES) {
      Floats u[P], g[T * T];
      for (int k = 0; k < P; k++) u[k] = load(products + k * plane + f * s.channels + c);
      weight2_adjoint<T>(u, g);
      for (int i = 0; i < T; i++)
        for (int j = 0; j < T; j++) {
          int64_t y = i * s.stride + phase / s.stride, x = j * s.stride + phase % s.stride;
          if (y < s.kernel && x < s.kernel)
            store(weight + ((f * s.kernel + y) * s.kernel + x) * s.channels + c, g[i * T + j]);
        }
    }
}

// ---- A big picture of a few channels: all phases side by side in one group of lanes ------------------------------

/// One picture with T - 1 zeros around it: [rows + 2 (T - 1)][columns + 2 (T - 1)][filters].
template <int T, class E>
void padded(const TileShape &s, const E *small, E *into) {
  const int64_t edge = (T - 1) * s.filters, row = s.columns * s.filters, pitch = row + 2 * edge;
  std::fill(into, into + (T - 1) * pitch, E{});
  for (int64_t y = 0; y < s.rows; y++) {
    E *to = into + (y + T - 1) * pitch;
    std::fill(to, to + edge, E{});
    std::copy(small + y * row, small + (y + 1) * row, to + edge);
    std::fill(to + edge + row, to + pitch, E{});
  }
  std::fill(into + (s.rows + T - 1) * pitch, into + (s.rows + 2 * (T - 1)) * pitch, E{});
}

/// Weights as right factors: [T][T][filters / 2][LANES][2], lanes by phase and channel, the others zero.
template <int T, class E>
void pack_thin(const TileShape &s, const float *weight, E *packed) {
  constexpr int PAIR = sizeof(E) == 2 ? 2 : 1;
  std::fill(packed, packed + T * T * s.filters * LANES, E{});
  for (int64_t f = 0; f < s.filters; f++)
    for (int64_t y = 0; y < s.kernel; y++)
      for (int64_t x = 0; x < s.kernel; x++)
        for (int64_t c = 0; c < s.channels; c++) {
          int64_t tap = y / s.stride * T + x / s.stride;
          int64_t lane = (y % s.stride * s.stride + x % s.stride) * s.channels + c;
          packed[((tap * s.filters + f) / PAIR * LANES + lane) * PAIR + f % PAIR] =
              static_cast<E>(weight[((f * s.kernel + y) * s.kernel + x) * s.channels + c]);
        }
}

/// Sums [view rows][pitch][LANES] to a big picture.
template <class E>
void big_from_thin(const TileShape &s, const float *sums, int64_t pitch, const Finish &finish, E *big) {
  for (int64_t y = 0; y < s.height; y++) {
    int64_t row = (y + s.padding) / s.stride, down = (y + s.padding) % s.stride;
    E *to = big + y * s.width * s.channels;
    for (int64_t x = 0; x < s.width; x++, to += s.channels) {
      int64_t column = (x + s.padding) / s.stride, right = (x + s.padding) % s.stride;
      const float *from = sums + (row * pitch + column) * LANES + (down * s.stride + right) * s.channels;
      for (int64_t c = 0; c < s.channels; c++) {
        float value = from[c] + (finish.bias ? finish.bias[c] : 0);
        to[c] = static_cast<E>(value > 0 ? value : value * finish.slope);
      }
    }
  }
}
