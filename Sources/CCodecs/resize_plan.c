#include <math.h>
#include <stdlib.h>

#include "resize_plan.h"

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

// Range of input pixels of the kernel at output `i`.
static void find_reach(int32_t i, int32_t size, double from, double scale, double support, int32_t *first,
                       int32_t *end, double *center) {
    *center = from + (i + 0.5) * scale;
    *first = (int32_t)(*center - support + 0.5);
    *end = (int32_t)(*center + support + 0.5);
    if (*first < 0) *first = 0;
    if (*end > size) *end = size;
}

static void set_weight(PairWeight *pair, bool later, double share) {
    int32_t weight = (int32_t)lround(share * (1 << WEIGHT_BITS));
    int32_t low = weight & ((1 << LOW_BITS) - 1), high = (weight - low) / (1 << LOW_BITS);
    int shift = later ? 16 : 0;
    pair->high |= (int32_t)((uint32_t)(high & 0xFFFF) << shift);
    pair->low |= low << shift;
}

CodecsResizePlan *ccodecs_resize_plan(int filter, int32_t size, double from, double to, int32_t out_size) {
    double scale = (to - from) / out_size;
    // Enlarging keeps the kernel's width; shrinking widens the kernel by the factor.
    double stretch = scale < 1 ? 1 : scale;
    double support = reach(filter) * stretch, center;
    int32_t count = 1, first, end;
    for (int32_t i = 0; i < out_size; i++) {
        find_reach(i, size, from, scale, support, &first, &end, &center);
        int32_t pairs = (end + 1) / 2 - first / 2;
        if (pairs > count) count = pairs;
    }
    CodecsResizePlan *plan = calloc(1, sizeof *plan + (size_t)out_size * sizeof plan->first[0]);
    double *exact = malloc((size_t)count * 2 * sizeof *exact);
    if (plan) plan->weights = calloc((size_t)out_size * (size_t)count, sizeof(PairWeight));
    if (!plan || !exact || !plan->weights) {
        ccodecs_resize_plan_free(plan);
        free(exact);
        return NULL;
    }
    plan->size = size;
    plan->out_size = out_size;
    plan->count = count;
    for (int32_t i = 0; i < out_size; i++) {
        find_reach(i, size, from, scale, support, &first, &end, &center);
        double sum = 0;
        for (int32_t k = first; k < end; k++) {
            exact[k - first] = evaluate(filter, (k - center + 0.5) / stretch);
            sum += exact[k - first];
        }
        // At the far edge, earlier pairs with weight 0 fill the count.
        int32_t last_start = (size + 1) / 2 - count;
        plan->first[i] = first / 2 < last_start ? first / 2 : last_start;
        PairWeight *weights = plan->weights + (size_t)i * (size_t)count;
        for (int32_t k = first; k < end; k++) {
            double share = sum != 0 ? exact[k - first] / sum : exact[k - first];
            set_weight(weights + (k / 2 - plan->first[i]), k % 2, share);
        }
    }
    free(exact);
    return plan;
}

void ccodecs_resize_plan_free(CodecsResizePlan *plan) {
    if (plan) free(plan->weights);
    free(plan);
}
