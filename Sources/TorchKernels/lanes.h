// Vectors of 16 numbers, which the compiler maps to the instruction set. Included by instruction_sets.h once
// for each set, inside a namespace of its own.

constexpr int LANES = 16;
typedef float Floats __attribute__((vector_size(4 * LANES)));
typedef uint32_t Words __attribute__((vector_size(4 * LANES)));
typedef uint16_t Halves __attribute__((vector_size(2 * LANES)));

#undef INLINE
#undef FORCED
#define FORCED __attribute__((always_inline))
#define INLINE static inline FORCED

INLINE Words bits(Floats x) { return __builtin_bit_cast(Words, x); }

/// bfloat16 in the low halves, rounded to nearest even; NaN stays NaN.
INLINE Words rounded(Floats x) {
  Words word = bits(x);
  Words value = (word + 0x7fffu + ((word >> 16) & 1u)) >> 16;
  Words isNumber = (Words)(x == x);
  return (value & isNumber) | (0x7fc0u & ~isNumber);
}

INLINE Floats load(const float *from) {
  Floats x;
  __builtin_memcpy(&x, from, sizeof x);
  return x;
}
INLINE Floats load(const c10::BFloat16 *from) {
  Halves x;
  __builtin_memcpy(&x, from, sizeof x);
  return __builtin_bit_cast(Floats, __builtin_convertvector(x, Words) << 16);
}
INLINE void store(float *to, Floats x) { __builtin_memcpy(to, &x, sizeof x); }
INLINE void store(c10::BFloat16 *to, Floats x) {
  Halves half = __builtin_convertvector(rounded(x), Halves);
  __builtin_memcpy(to, &half, sizeof half);
}
INLINE void store_pairs(c10::BFloat16 *to, Floats even, Floats odd) {
  Words word = rounded(even) | rounded(odd) << 16;
  __builtin_memcpy(to, &word, sizeof word);
}
