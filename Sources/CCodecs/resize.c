#include "include/ccodecs_resize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Weights are integers in units of 2^-22: with 8-bit pixels and a sign, sums of the filters used stay in 32 bits.
enum { WEIGHT_BITS = 22 };

#if defined(__x86_64__) && defined(__linux__)
#define WIDE __attribute__((target_clones("default", "avx2")))
#else
#define WIDE
#endif

// What one output row or column is made of: `count` neighbours from `first` on.
typedef struct {
    int32_t first;
    int32_t count;
} Span;

typedef struct {
    Span *spans;
    int32_t *weights;  // `capacity` for each span
    int32_t capacity;
} Plan;

static double sinc(double x) { return x == 0 ? 1 : sin(M_PI * x) / (M_PI * x); }

static double evaluate(int filter, double x) {
    x = fabs(x);
    switch (filter) {
    case CODECS_FILTER_BOX:
        return x <= 0.5 ? 1 : 0;
    case CODECS_FILTER_BILINEAR:
        return x < 1 ? 1 - x : 0;
    case CODECS_FILTER_BICUBIC: {
        const double a = -0.5;
        if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
        return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
    }
    default:
        return x < 3 ? sinc(x) * sinc(x / 3) : 0;
    }
}

static double reach(int filter) {
    static const double reaches[] = {0.5, 1, 2, 3};
    return reaches[filter];
}

static void release(Plan *plan) {
    free(plan->spans);
    free(plan->weights);
}

static bool make_plan(Plan *plan, int filter, int32_t in_size, double from, double to, int32_t out_size) {
    double scale = (to - from) / out_size;
    double stretch = scale < 1 ? 1 : scale;
    double support = reach(filter) * stretch;
    plan->capacity = (int32_t)ceil(support) * 2 + 1;
    plan->spans = malloc((size_t)out_size * sizeof(Span));
    plan->weights = calloc((size_t)out_size * (size_t)plan->capacity, sizeof(int32_t));
    double *exact = malloc((size_t)plan->capacity * sizeof(double));
    if (!plan->spans || !plan->weights || !exact) {
        release(plan);
        free(exact);
        return false;
    }
    for (int32_t i = 0; i < out_size; i++) {
        double centre = from + (i + 0.5) * scale;
        int32_t first = (int32_t)(centre - support + 0.5), end = (int32_t)(centre + support + 0.5);
        if (first < 0) first = 0;
        if (end > in_size) end = in_size;
        int32_t count = end - first;
        double sum = 0;
        for (int32_t k = 0; k < count; k++) {
            exact[k] = evaluate(filter, (first + k - centre + 0.5) / stretch);
            sum += exact[k];
        }
        int32_t *weights = plan->weights + (size_t)i * (size_t)plan->capacity;
        for (int32_t k = 0; k < count; k++)
            weights[k] = (int32_t)lround((sum != 0 ? exact[k] / sum : exact[k]) * (1 << WEIGHT_BITS));
        plan->spans[i] = (Span){first, count};
    }
    free(exact);
    return true;
}

static inline uint8_t narrow(int32_t sum) {
    sum >>= WEIGHT_BITS;
    return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

WIDE static void resample_row(const uint8_t *in, uint8_t *out, const Plan *plan, int32_t out_width, int channels) {
    for (int32_t x = 0; x < out_width; x++) {
        Span span = plan->spans[x];
        const int32_t *weights = plan->weights + (size_t)x * (size_t)plan->capacity;
        const uint8_t *p = in + (size_t)span.first * (size_t)channels;
        for (int c = 0; c < channels; c++) {
            int32_t sum = 1 << (WEIGHT_BITS - 1);
            for (int32_t k = 0; k < span.count; k++) sum += weights[k] * p[k * channels + c];
            *out++ = narrow(sum);
        }
    }
}

WIDE static void blend_rows(const uint8_t *in, size_t stride, uint8_t *out, size_t count, const int32_t *weights,
                            int32_t rows, int32_t *sums) {
    for (size_t i = 0; i < count; i++) sums[i] = 1 << (WEIGHT_BITS - 1);
    for (int32_t k = 0; k < rows; k++) {
        const uint8_t *p = in + (size_t)k * stride;
        int32_t weight = weights[k];
        for (size_t i = 0; i < count; i++) sums[i] += weight * p[i];
    }
    for (size_t i = 0; i < count; i++) out[i] = narrow(sums[i]);
}

bool ccodecs_resize(const uint8_t *source, int32_t width, int32_t height, size_t stride, int channels,
                   double left, double top, double right, double bottom, uint8_t *out, int32_t out_width,
                   int32_t out_height, int filter) {
    size_t out_stride = (size_t)out_width * (size_t)channels;
    bool across = out_width != width || left != 0 || right != width;
    bool down = out_height != height || top != 0 || bottom != height;
    Plan columns = {0}, rows = {0};
    uint8_t *middle = NULL;
    int32_t *sums = NULL;
    bool done = false;
    int32_t first = 0, end = height;

    if (down) {
        if (!make_plan(&rows, filter, height, top, bottom, out_height)) goto leave;
        first = rows.spans[0].first;
        end = rows.spans[out_height - 1].first + rows.spans[out_height - 1].count;
    }
    if (across) {
        if (!make_plan(&columns, filter, width, left, right, out_width)) goto leave;
        if (down && !(middle = malloc((size_t)(end - first) * out_stride))) goto leave;
        uint8_t *target = down ? middle : out;
        for (int32_t y = first; y < end; y++)
            resample_row(source + (size_t)y * stride, target + (size_t)(y - first) * out_stride, &columns,
                         out_width, channels);
    }
    if (down) {
        const uint8_t *in = middle ? middle : source + (size_t)first * stride;
        size_t in_stride = middle ? out_stride : stride;
        if (!(sums = malloc(out_stride * sizeof(int32_t)))) goto leave;
        for (int32_t y = 0; y < out_height; y++) {
            Span span = rows.spans[y];
            blend_rows(in + (size_t)(span.first - first) * in_stride, in_stride, out + (size_t)y * out_stride,
                       out_stride, rows.weights + (size_t)y * (size_t)rows.capacity, span.count, sums);
        }
    }
    if (!across && !down)
        for (int32_t y = 0; y < height; y++)
            memcpy(out + (size_t)y * out_stride, source + (size_t)y * stride, out_stride);
    done = true;
leave:
    release(&columns);
    release(&rows);
    free(middle);
    free(sums);
    return done;
}
