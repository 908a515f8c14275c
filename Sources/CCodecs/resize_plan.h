// The inside of a plan. See resize.c for the arithmetic.
#pragma once
#include "include/ccodecs_resize.h"

/// Weights are integers in units of 2^-22: with 8-bit pixels and a sign, the sums of all filters fit 32 bits.
/// For instructions that multiply pairs of 16-bit numbers a weight is kept as high * 2^11 + low, 0 <= low <
/// 2^11.
enum { WEIGHT_BITS = 22, LOW_BITS = 11 };

/// The weights of two neighbors, the earlier one in the low half.
typedef struct {
    int32_t high;
    int32_t low;
} PairWeight;

struct CodecsResizePlan {
    int32_t size;
    int32_t out_size;
    int32_t count; // pairs that make one output row or column: the same for all, so that loops are regular
    PairWeight *weights; // `count` for each output row or column
    int32_t first[];     // number of the first pair
};
