// The loop of pixels.cpp; included for each instruction set.

/// -1...1 to 0...255; halves are rounded to even, values outside are clamped.
template <class E>
void to_bytes(const E *values, int64_t count, uint8_t *bytes) {
  typedef uint8_t Bytes __attribute__((vector_size(LANES)));
  auto convert = [](Floats x) FORCED {
    x = x < -1 ? Floats{} - 1 : x;
    x = x > 1 ? Floats{} + 1 : x;
    // Adding a float of this size rounds to an integer, halves to even. In a statement of its own: fused with the product,
    // it would round once instead of twice.
    const float large = 3 << 22;
    const Floats scaled = (x + 1) * 127.5f;
    const Floats rounded = scaled + large;
    return __builtin_convertvector(rounded - large, Bytes);
  };
  constexpr int64_t GRAIN = 1 << 14;
  parallel((count + GRAIN - 1) / GRAIN, [&](int64_t first, int64_t last) {
    const int64_t end = std::min(count, last * GRAIN);
    int64_t at = first * GRAIN;
    for (; at + LANES <= end; at += LANES) {
      Bytes result = convert(load(values + at));
      __builtin_memcpy(bytes + at, &result, sizeof result);
    }
    if (at == end) return;
    E rest[LANES] = {};
    std::copy(values + at, values + end, rest);
    Bytes result = convert(load(rest));
    __builtin_memcpy(bytes + at, &result, end - at);
  });
}
