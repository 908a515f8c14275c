// Tiles to points and back; included by tile_kernels.h for each instruction set.

// ---- One dimension: T taps, M results, T + M - 1 points --------------------------------------------------------
//
// Results are coefficients of a product of polynomials, found from its values at 0 (with three taps), at pairs of points
// +p and -p, and at infinity. The points minimize the error in bfloat16: at 1/3 and 4/3, tiles of 4x4 results have
// 2.9 times the error of a plain convolution; at the usual 0, 1, -1 and 2, 6.4 times.

template <int T, int M>
struct Line {
  static_assert((T == 2 || T == 3) && (M == 2 || M == 4));
  static constexpr int POINTS = T + M - 1, PAIRS = M / 2, ZERO = T - 2;
  static constexpr double A = M == 2 ? 1 : T == 2 ? 1. / 3 : 2. / 3, B = M == 2 ? 0 : T == 2 ? 4. / 3 : 3. / 2;
  static constexpr double point(int pair) { return pair == 0 ? A : B; }
  /// The square of the other pair's point.
  static constexpr float other(int pair) { return pair == 0 ? B * B : A * A; }
  static constexpr float square(int pair) { return point(pair) * point(pair); }
  // Of (x^2 - a^2) (x^2 - b^2), or of x^2 - a^2 alone.
  static constexpr float PRODUCT = PAIRS == 1 ? -A * A : A * A * B * B, SUM = A * A + B * B;
  /// Divisor of the values at a pair's points: the product of the other interpolation factors.
  static constexpr float scale(int pair) {
    double p = point(pair), rest = PAIRS == 1 ? 1 : p * p - other(pair);
    return 1 / ((ZERO ? p : 1) * 2 * p * rest);
  }
  static constexpr float SIGN = ZERO ? 1 : -1;
};

/// The values at a pair's points as sums over even and over odd powers, without the common factor of the powers.
template <int T, int M>
INLINE void from_pair(Floats plus, Floats minus, int pair, Floats &even, Floats &odd) {
  even = plus + minus, odd = (plus - minus) * float(Line<T, M>::point(pair));
}

template <int T, int M>
INLINE void input1(const Floats *d, int step, Floats *v) {
  using L = Line<T, M>;
  constexpr int Z = L::ZERO, K = L::PAIRS;
  auto whole = [&](int i) FORCED {
    if constexpr (K == 1) return d[(i + 2) * step] + d[i * step] * L::PRODUCT;
    else return d[(i + 4) * step] - d[(i + 2) * step] * L::SUM + d[i * step] * L::PRODUCT;
  };
  auto part = [&](int pair, int i) FORCED {
    if constexpr (K == 1) return d[i * step];
    else return d[(i + 2) * step] - d[i * step] * L::other(pair);
  };
  if constexpr (Z == 1) v[0] = whole(0);
  for (int k = 0; k < K; k++) {
    Floats even = part(k, Z + 1), odd = part(k, Z) * float(L::point(k));
    v[(Z + 2 * k) * step] = even + odd, v[(Z + 2 * k + 1) * step] = even - odd;
  }
  v[(L::POINTS - 1) * step] = whole(Z);
}
template <int T, int M>
INLINE void input1_adjoint(const Floats *v, int step, Floats *d) {
  using L = Line<T, M>;
  constexpr int Z = L::ZERO, K = L::PAIRS;
  Floats even[K], odd[K], last = v[(L::POINTS - 1) * step];
  for (int k = 0; k < K; k++) from_pair<T, M>(v[(Z + 2 * k) * step], v[(Z + 2 * k + 1) * step], k, even[k], odd[k]);
  Floats *from = d + Z * step;
  if constexpr (K == 1) {
    from[0] = odd[0] + last * L::PRODUCT, from[step] = even[0], from[2 * step] = last;
  } else {
    from[0] = last * L::PRODUCT - odd[0] * L::other(0) - odd[1] * L::other(1);
    from[step] = -(even[0] * L::other(0)) - even[1] * L::other(1);
    from[2 * step] = odd[0] + odd[1] - last * L::SUM, from[3 * step] = even[0] + even[1], from[4 * step] = last;
  }
  if constexpr (Z == 1) {
    d[0] = v[0] * L::PRODUCT;
    if constexpr (K == 1) d[2 * step] += v[0];
    else d[2 * step] -= v[0] * L::SUM, d[4 * step] += v[0];
  }
}
template <int T, int M>
INLINE void output1(const Floats *m, int step, Floats *y, int out) {
  using L = Line<T, M>;
  constexpr int Z = L::ZERO, K = L::PAIRS;
  Floats even[K], odd[K];
  for (int k = 0; k < K; k++) from_pair<T, M>(m[(Z + 2 * k) * step], m[(Z + 2 * k + 1) * step], k, even[k], odd[k]);
  if constexpr (K == 1) {
    y[0] = even[0], y[out] = odd[0];
  } else {
    y[0] = even[0] + even[1], y[out] = odd[0] + odd[1];
    y[2 * out] = even[0] * L::square(0) + even[1] * L::square(1);
    y[3 * out] = odd[0] * L::square(0) + odd[1] * L::square(1);
  }
  if constexpr (Z == 1) y[0] += m[0];
  y[(M - 1) * out] += m[(L::POINTS - 1) * step];
}
template <int T, int M>
INLINE void output1_adjoint(const Floats *y, int in, Floats *m, int step) {
  using L = Line<T, M>;
  constexpr int Z = L::ZERO, K = L::PAIRS;
  for (int k = 0; k < K; k++) {
    Floats even = y[0], odd = y[in];
    if constexpr (K == 2) even += y[2 * in] * L::square(k), odd += y[3 * in] * L::square(k);
    odd *= float(L::point(k));
    m[(Z + 2 * k) * step] = even + odd, m[(Z + 2 * k + 1) * step] = even - odd;
  }
  if constexpr (Z == 1) m[0] = y[0];
  m[(L::POINTS - 1) * step] = y[(M - 1) * in];
}
template <int T, int M>
INLINE void weight1(const Floats *g, int in, Floats *u, int step) {
  using L = Line<T, M>;
  constexpr int Z = L::ZERO, K = L::PAIRS;
  for (int k = 0; k < K; k++) {
    Floats even = g[0], odd = g[in] * float(L::point(k));
    if constexpr (T == 3) even += g[2 * in] * L::square(k);
    u[(Z + 2 * k) * step] = (even + odd) * L::scale(k);
    u[(Z + 2 * k + 1) * step] = (even - odd) * (L::SIGN * L::scale(k));
  }
  if constexpr (Z == 1) u[0] = g[0] * (1 / L::PRODUCT);
  u[(L::POINTS - 1) * step] = g[(T - 1) * in];
}
template <int T, int M>
INLINE void weight1_adjoint(const Floats *u, int step, Floats *g, int out) {
  using L = Line<T, M>;
  constexpr int Z = L::ZERO, K = L::PAIRS;
  Floats even[K], odd[K], last = u[(L::POINTS - 1) * step];
  for (int k = 0; k < K; k++) {
    Floats plus = u[(Z + 2 * k) * step] * L::scale(k), minus = u[(Z + 2 * k + 1) * step] * (L::SIGN * L::scale(k));
    from_pair<T, M>(plus, minus, k, even[k], odd[k]);
  }
  g[0] = K == 1 ? even[0] : even[0] + even[K - 1], g[out] = K == 1 ? odd[0] : odd[0] + odd[K - 1];
  if constexpr (T == 2) {
    g[out] += last;
  } else {
    g[0] += u[0] * (1 / L::PRODUCT);
    g[2 * out] = last + even[0] * L::square(0);
    if constexpr (K == 2) g[2 * out] += even[1] * L::square(1);
  }
}

// ---- Two dimensions -----------------------------------------------------------------------------------------

/// Tiles of R x C results.
template <int T_, int R_, int C_>
struct Form {
  static constexpr int T = T_, R = R_, C = C_;
  /// Points down and across, which are also the pixels that a tile depends on.
  static constexpr int H = T + R - 1, W = T + C - 1, P = H * W, RESULTS = R * C;

  // Constants of the shape, which avoid divisions by variables.
  FORCED static int64_t tile_columns(const TileShape &s) { return (s.columns + C - 1) / C; }
  FORCED static int64_t tiles_of_picture(const TileShape &s) { return (s.rows + R - 1) / R * tile_columns(s); }
};

template <class F>
INLINE void input2(const Floats *d, Floats *v) {
  Floats half[F::P];
  for (int i = 0; i < F::W; i++) input1<F::T, F::R>(d + i, F::W, half + i);
  for (int i = 0; i < F::H; i++) input1<F::T, F::C>(half + i * F::W, 1, v + i * F::W);
}
template <class F>
INLINE void input2_adjoint(const Floats *v, Floats *d) {
  Floats half[F::P];
  for (int i = 0; i < F::W; i++) input1_adjoint<F::T, F::R>(v + i, F::W, half + i);
  for (int i = 0; i < F::H; i++) input1_adjoint<F::T, F::C>(half + i * F::W, 1, d + i * F::W);
}
template <class F>
INLINE void output2(const Floats *m, Floats *y) {
  Floats half[F::R * F::W];
  for (int i = 0; i < F::W; i++) output1<F::T, F::R>(m + i, F::W, half + i, F::W);
  for (int i = 0; i < F::R; i++) output1<F::T, F::C>(half + i * F::W, 1, y + i * F::C, 1);
}
template <class F>
INLINE void output2_adjoint(const Floats *y, Floats *m) {
  Floats half[F::R * F::W];
  for (int i = 0; i < F::R; i++) output1_adjoint<F::T, F::C>(y + i * F::C, 1, half + i * F::W, 1);
  for (int i = 0; i < F::W; i++) output1_adjoint<F::T, F::R>(half + i, F::W, m + i, F::W);
}
template <class F>
INLINE void weight2(const Floats *g, Floats *u) {
  Floats half[F::H * F::T];
  for (int i = 0; i < F::T; i++) weight1<F::T, F::R>(g + i, F::T, half + i, F::T);
  for (int i = 0; i < F::H; i++) weight1<F::T, F::C>(half + i * F::T, 1, u + i * F::W, 1);
}
template <class F>
INLINE void weight2_adjoint(const Floats *u, Floats *g) {
  Floats half[F::H * F::T];
  for (int i = 0; i < F::H; i++) weight1_adjoint<F::T, F::C>(u + i * F::W, 1, half + i * F::T, 1);
  for (int i = 0; i < F::T; i++) weight1_adjoint<F::T, F::R>(half + i, F::T, g + i, F::T);
}
