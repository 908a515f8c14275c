#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "include/ccodecs_png.h"

static inline uint8_t paeth(int left, int above, int corner) {
    int estimate = left + above - corner;
    int from_left = abs(estimate - left), from_above = abs(estimate - above),
        from_corner = abs(estimate - corner);
    if (from_left <= from_above && from_left <= from_corner) return (uint8_t)left;
    return (uint8_t)(from_above <= from_corner ? above : corner);
}

// Sum of absolute values of a filtered row: the usual estimate of its compressed size.
static uint32_t weigh(const uint8_t *row, size_t count) {
    uint32_t sum = 0;
    for (size_t i = 0; i < count; i++) sum += row[i] < 128 ? row[i] : 256u - row[i];
    return sum;
}

// `row` and `above` have `step` zero bytes in front of them.
static void filter_row(int kind, const uint8_t *row, const uint8_t *above, size_t count, size_t step,
                       uint8_t *out) {
    const uint8_t *left = row - step, *corner = above - step;
    switch (kind) {
    case 0:
        memcpy(out, row, count);
        break;
    case 1:
        for (size_t i = 0; i < count; i++) out[i] = (uint8_t)(row[i] - left[i]);
        break;
    case 2:
        for (size_t i = 0; i < count; i++) out[i] = (uint8_t)(row[i] - above[i]);
        break;
    case 3:
        for (size_t i = 0; i < count; i++) out[i] = (uint8_t)(row[i] - ((left[i] + above[i]) >> 1));
        break;
    default:
        for (size_t i = 0; i < count; i++) out[i] = (uint8_t)(row[i] - paeth(left[i], above[i], corner[i]));
    }
}

// A deflate stream into memory that grows with it.
typedef struct {
    z_stream z;
    uint8_t *bytes;
    size_t capacity;
    size_t count;
} Stream;

static bool deflate_more(Stream *s, const uint8_t *bytes, size_t count, bool last) {
    s->z.next_in = (Bytef *)bytes;
    s->z.avail_in = (uInt)count;
    for (;;) {
        if (s->capacity - s->count < 4096) {
            size_t capacity = s->capacity * 2 + 65536;
            uint8_t *grown = realloc(s->bytes, capacity);
            if (!grown) return false;
            s->bytes = grown;
            s->capacity = capacity;
        }
        size_t space = s->capacity - s->count;
        uInt offered = space > (1u << 30) ? (1u << 30) : (uInt)space;
        s->z.next_out = s->bytes + s->count;
        s->z.avail_out = offered;
        int status = deflate(&s->z, last ? Z_FINISH : Z_NO_FLUSH);
        s->count += offered - s->z.avail_out;
        if (status == Z_STREAM_END) return true;
        if (status != Z_OK && status != Z_BUF_ERROR) return false;
        // Free output space means that all input was consumed.
        if (!last && s->z.avail_out > 0) return true;
    }
}

bool ccodecs_png_pack(const uint8_t *pixels, uint32_t width, uint32_t height, int channels, int level,
                      uint8_t **out, size_t *out_size) {
    size_t step = (size_t)channels, count = (size_t)width * step;
    // Two padded picture rows, the best filtered row so far and the one being tried, each with its kind in
    // front.
    uint8_t *work = calloc(4, count + step + 1);
    Stream stream;
    memset(&stream, 0, sizeof stream);
    int strategy = level > 0 ? Z_FILTERED : Z_DEFAULT_STRATEGY;
    if (!work || deflateInit2(&stream.z, level, Z_DEFLATED, 15, 9, strategy) != Z_OK) {
        free(work);
        return false;
    }
    uint8_t *row = work + step, *above = row + count + step;
    uint8_t *best = above + count, *trial = best + count + 1;
    bool good = true;
    for (uint32_t y = 0; good && y < height; y++) {
        uint8_t *swap = row;
        row = above;
        above = swap;
        memcpy(row, pixels + y * count, count);
        uint32_t least = UINT32_MAX;
        for (int kind = 0; kind < (level > 0 ? 5 : 1); kind++) {
            trial[0] = (uint8_t)kind;
            filter_row(kind, row, above, count, step, trial + 1);
            uint32_t weight = weigh(trial + 1, count);
            if (weight >= least && kind > 0) continue;
            least = weight;
            swap = best;
            best = trial;
            trial = swap;
        }
        good = deflate_more(&stream, best, count + 1, y + 1 == height);
    }
    deflateEnd(&stream.z);
    free(work);
    if (!good) {
        free(stream.bytes);
        return false;
    }
    *out = stream.bytes;
    *out_size = stream.count;
    return true;
}
