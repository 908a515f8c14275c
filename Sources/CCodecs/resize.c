#include <stdlib.h>
#include <string.h>

#include "resize_plan.h"

// Computes 16 sums at a time: of 4 rows of RGB (the fourth channel unused) or RGBA, or of 16 rows of gray.
enum { LANES = 16 };

typedef int32_t Ints __attribute__((vector_size(64)));
typedef int16_t Shorts __attribute__((vector_size(64)));
typedef int16_t HalfShorts __attribute__((vector_size(32)));
typedef uint8_t Bytes __attribute__((vector_size(16)));
typedef uint8_t Lines __attribute__((vector_size(64)));

#define INLINE static inline __attribute__((always_inline))

// Turns sums of products in `high` and `low` into pixel values, rounded and clamped, in `high`. Vectors pass
// by address because how they pass by value depends on the instruction set.
INLINE void finish(Ints *high, const Ints *low) {
    Ints sum = (*high * (1 << LOW_BITS) + *low + (1 << (WEIGHT_BITS - 1))) >> WEIGHT_BITS;
    *high = __builtin_elementwise_min(__builtin_elementwise_max(sum, (Ints){0}), (Ints){0} + 255);
}

// Two adjacent pixels of each row: four channels at bytes `c0`... and `d0`..., each
// widened by a zero byte (64 names one).
#define NEIGHBOURS(row, c0, d0, c1, d1, c2, d2, c3, d3)                                                      \
    row + c0, 64, row + d0, 64, row + c1, 64, row + d1, 64, row + c2, 64, row + d2, 64, row + c3, 64,        \
        row + d3, 64
#define SPREAD(bytes, ...)                                                                                   \
    (Shorts) __builtin_shufflevector(bytes, (Lines){0}, NEIGHBOURS(0, __VA_ARGS__),                          \
                                     NEIGHBOURS(16, __VA_ARGS__), NEIGHBOURS(32, __VA_ARGS__),               \
                                     NEIGHBOURS(48, __VA_ARGS__))

// Spreads the pixels of 4 rows (3 or 4 channels) over the lanes of `block`: a pair of columns after the
// other.
INLINE void gather_color(const uint8_t *const rows[4], int32_t width, const int channels, Shorts *block) {
    int32_t x = 0;
    // While 16 bytes can be read from a row.
    for (; (width - x) * channels >= 16; x += 4, block += 2) {
        Lines bytes;
        for (int row = 0; row < 4; row++)
            memcpy((char *)&bytes + 16 * row, rows[row] + x * channels, 16);
        if (channels == 3) {
            // The unused channel repeats the blue one.
            block[0] = SPREAD(bytes, 0, 3, 1, 4, 2, 5, 2, 5);
            block[1] = SPREAD(bytes, 6, 9, 7, 10, 8, 11, 8, 11);
        } else {
            block[0] = SPREAD(bytes, 0, 4, 1, 5, 2, 6, 3, 7);
            block[1] = SPREAD(bytes, 8, 12, 9, 13, 10, 14, 11, 15);
        }
    }
    for (; x < width; x += 2, block++)
        for (int row = 0; row < 4; row++) {
            const uint8_t *p = rows[row] + x * channels;
            int16_t *out = (int16_t *)block + row * 8;
            for (int c = 0; c < 4; c++) {
                out[2 * c] = c < channels ? p[c] : 0;
                out[2 * c + 1] = c < channels && x + 1 < width ? p[channels + c] : 0;
            }
        }
}

// The same for 16 rows of gray.
INLINE void gather_gray(const uint8_t *const rows[16], int32_t width, Shorts *block) {
    for (int row = 0; row < 16; row++) {
        const uint8_t *p = rows[row];
        int32_t *out = (int32_t *)block + row;
        for (int32_t x = 0; x + 1 < width; x += 2) out[x / 2 * LANES] = p[x] | p[x + 1] << 16;
        if (width % 2) out[width / 2 * LANES] = p[width - 1];
    }
}

#if defined(__x86_64__)

#include <immintrin.h>

INLINE void add_products_sse2(Ints *sum, const Shorts *pixels, int32_t weight) {
    __m128i *s = (__m128i *)sum, w = _mm_set1_epi32(weight);
    const __m128i *p = (const __m128i *)pixels;
    for (int i = 0; i < 4; i++) s[i] = _mm_add_epi32(s[i], _mm_madd_epi16(p[i], w));
}
#define KERNEL(name) name##_sse2
#define TARGET
#define GROUP 1
#define add_products add_products_sse2
#include "resize_kernels.h"

#define TARGET __attribute__((target("avx2")))
TARGET INLINE void add_products_avx2(Ints *sum, const Shorts *pixels, int32_t weight) {
    __m256i *s = (__m256i *)sum, w = _mm256_set1_epi32(weight);
    const __m256i *p = (const __m256i *)pixels;
    for (int i = 0; i < 2; i++) s[i] = _mm256_add_epi32(s[i], _mm256_madd_epi16(p[i], w));
}
#define KERNEL(name) name##_avx2
#define GROUP 2
#define add_products add_products_avx2
#include "resize_kernels.h"

// One instruction multiplies and adds.
#define TARGET __attribute__((target("avx2,avx512f,avx512bw,avx512vl,avx512vnni")))
TARGET INLINE void add_products_avx512(Ints *sum, const Shorts *pixels, int32_t weight) {
    *sum = (Ints)_mm512_dpwssd_epi32((__m512i)*sum, (__m512i)*pixels, _mm512_set1_epi32(weight));
}
#define KERNEL(name) name##_avx512
#define GROUP 4
#define add_products add_products_avx512
#include "resize_kernels.h"

#else

// Compilers turn this into multiply-add instructions of NEON.
INLINE void add_products_plain(Ints *sum, const Shorts *pixels, int32_t weight) {
    HalfShorts even =
        __builtin_shufflevector(*pixels, *pixels, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    HalfShorts odd =
        __builtin_shufflevector(*pixels, *pixels, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    HalfShorts first = (HalfShorts){0} + (int16_t)weight, second = (HalfShorts){0} + (int16_t)(weight >> 16);
    *sum += __builtin_convertvector(even, Ints) * __builtin_convertvector(first, Ints);
    *sum += __builtin_convertvector(odd, Ints) * __builtin_convertvector(second, Ints);
}
#define KERNEL(name) name##_plain
#define TARGET
#define GROUP 1
#define add_products add_products_plain
#include "resize_kernels.h"

#endif

typedef struct {
    void (*across)(const uint8_t *const *, int, int, Shorts *, const CodecsResizePlan *, int32_t *, size_t);
    void (*down)(const int32_t *, size_t, const CodecsResizePlan *, int32_t, uint8_t *, size_t);
    int group; // blocks that `across` takes at most
} Kernels;

enum { LARGEST_GROUP = 4 };

enum { MOST_VARIANTS = 3 };

/// Implementations that this processor supports, the fastest first.
static int find_kernels(Kernels found[MOST_VARIANTS]) {
    int count = 0;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
        found[count++] = (Kernels){across_avx512, down_avx512, 4};
    if (__builtin_cpu_supports("avx2")) found[count++] = (Kernels){across_avx2, down_avx2, 2};
    found[count++] = (Kernels){across_sse2, down_sse2, 1};
#else
    found[count++] = (Kernels){across_plain, down_plain, 1};
#endif
    return count;
}

int ccodecs_resize_variants(void) {
    Kernels found[MOST_VARIANTS];
    return find_kernels(found);
}

bool ccodecs_resize(const uint8_t *source, size_t stride, int channels, const CodecsResizePlan *columns,
                    const CodecsResizePlan *rows, uint8_t *out) {
    return ccodecs_resize_by(0, source, stride, channels, columns, rows, out);
}

bool ccodecs_resize_by(int variant, const uint8_t *source, size_t stride, int channels,
                       const CodecsResizePlan *columns, const CodecsResizePlan *rows, uint8_t *out) {
    Kernels found[MOST_VARIANTS];
    if (variant < 0 || variant >= find_kernels(found)) return false;
    const Kernels kernels = found[variant];
    const int32_t height_of_block = channels == 1 ? 16 : 4;
    const int32_t height = rows->size;
    const size_t out_count = (size_t)columns->out_size * (size_t)channels;
    // Only the rows that the second pass reads.
    const int32_t first_pair = rows->first[0], first_row = first_pair * 2;
    const int32_t pairs = rows->first[rows->out_size - 1] + rows->count - first_pair;
    const int32_t blocks = (pairs * 2 + height_of_block - 1) / height_of_block;
    // Space for whole vectors at the end of each pair of rows. The values there are multiplied, but not used.
    const size_t middle_stride = (out_count + 2 * LANES - 1) / LANES * LANES;
    const size_t middle_rows = (size_t)blocks * (size_t)height_of_block / 2;
    const size_t scratch_size = (size_t)(columns->size / 2 + 1) * (size_t)kernels.group * sizeof(Shorts);
    char *memory = aligned_alloc(sizeof(Shorts), scratch_size + middle_rows * middle_stride * sizeof(int32_t));
    if (!memory) return false;
    Shorts *scratch = (Shorts *)memory;
    int32_t *middle = (int32_t *)(memory + scratch_size);
    for (int32_t b = 0; b < blocks; b += kernels.group) {
        const int32_t group = blocks - b < kernels.group ? blocks - b : kernels.group;
        const uint8_t *lines[16 * LARGEST_GROUP];
        for (int32_t i = 0; i < group * height_of_block; i++) {
            // Rows beyond the picture have weight 0, so any row can be read.
            int32_t y = first_row + b * height_of_block + i;
            lines[i] = source + (size_t)(y < height ? y : height - 1) * stride;
        }
        kernels.across(lines, group, channels, scratch, columns,
                       middle + (size_t)(b * height_of_block / 2) * middle_stride, middle_stride);
    }
    for (int32_t y = 0; y < rows->out_size; y++)
        kernels.down(middle + (size_t)(rows->first[y] - first_pair) * middle_stride, middle_stride, rows, y,
                     out + (size_t)y * out_count, out_count);
    free(memory);
    return true;
}
