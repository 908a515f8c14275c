// The loops of tiles.cpp for a big picture of a few channels: all phases are in one vector. Included by tile_loops.h for
// each instruction set.

/// One picture with F::T - 1 zeros around it: [rows + 2 (F::T - 1)][columns + 2 (F::T - 1)][filters].
template <class F, class E>
void padded(const TileShape &s, const Pixels<E> &small, E *into) {
  const int64_t edge = (F::T - 1) * s.filters, row = s.columns * s.filters, pitch = row + 2 * edge;
  std::fill(into, into + (F::T - 1) * pitch, E{});
  for (int64_t y = 0; y < s.rows; y++) {
    E *to = into + (y + F::T - 1) * pitch;
    std::fill(to, to + edge, E{});
    if (small.change.is_none()) {
      std::copy(small.at + y * row, small.at + (y + 1) * row, to + edge);
    } else {
      for (int64_t at = 0; at < row; at += LANES)
        store(to + edge + at, changed(load(small.at + y * row + at), small.change, at % s.filters));
    }
    std::fill(to + edge + row, to + pitch, E{});
  }
  std::fill(into + (s.rows + F::T - 1) * pitch, into + (s.rows + 2 * (F::T - 1)) * pitch, E{});
}

/// Weights as right factors: [T][T][filters / 2][LANES][2], lanes by phase and channel, the others zero.
template <class F, class E>
void pack_thin(const TileShape &s, const float *weight, E *packed) {
  constexpr int PAIR = sizeof(E) == 2 ? 2 : 1;
  std::fill(packed, packed + F::T * F::T * s.filters * LANES, E{});
  for (int64_t f = 0; f < s.filters; f++)
    for (int64_t y = 0; y < s.kernel; y++)
      for (int64_t x = 0; x < s.kernel; x++)
        for (int64_t c = 0; c < s.channels; c++) {
          int64_t tap = y / s.stride * F::T + x / s.stride;
          int64_t lane = (y % s.stride * s.stride + x % s.stride) * s.channels + c;
          packed[((tap * s.filters + f) / PAIR * LANES + lane) * PAIR + f % PAIR] =
              static_cast<E>(weight[((f * s.kernel + y) * s.kernel + x) * s.channels + c]);
        }
}

/// Sums [view rows][pitch][LANES] to a big picture; pixels that no product reaches are zero before `finish`.
template <class E>
void big_from_thin(const TileShape &s, const float *sums, int64_t pitch, const Change &finish, E *big) {
  const int64_t viewRows = s.rows + s.taps() - 1, viewColumns = s.columns + s.taps() - 1;
  static constexpr float ZEROS[4] = {};
  for (int64_t y = 0; y < s.height; y++) {
    int64_t row = (y + s.padding) / s.stride, down = (y + s.padding) % s.stride;
    E *to = big + y * s.width * s.channels;
    for (int64_t x = 0; x < s.width; x++, to += s.channels) {
      int64_t column = (x + s.padding) / s.stride, right = (x + s.padding) % s.stride;
      const float *from = row < viewRows && column < viewColumns
                              ? sums + (row * pitch + column) * LANES + (down * s.stride + right) * s.channels
                              : ZEROS;
      for (int64_t c = 0; c < s.channels; c++) {
        float value = from[c] * (finish.scale ? finish.scale[c] : 1) + (finish.shift ? finish.shift[c] : 0);
        to[c] = static_cast<E>(value > 0 ? value : value * finish.slope);
      }
    }
  }
}
