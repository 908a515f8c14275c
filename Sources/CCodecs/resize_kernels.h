// The two passes of a resize. Included once for each instruction set, after these were defined:
//   KERNEL(name)   a name of its own for that set, with what the compiler must know about it
//   add_products   sum[i] += pixels[2i] * weight's low half + pixels[2i+1] * weight's high half

/// Resamples a block of rows across. `block` holds, for each pair of source columns, 16 lanes of two
/// neighbouring pixels; a lane is a row and channel. `out` receives pairs of rows, one after the other in
/// each int.
static void KERNEL(across)(const Shorts *block, const CodecsResizePlan *plan, int channels, int32_t *out,
                           size_t out_stride) {
    const int32_t count = plan->count;
    for (int32_t x = 0; x < plan->out_size; x++) {
        const Shorts *pixels = block + plan->first[x];
        const PairWeight *weights = plan->weights + (size_t)x * (size_t)count;
        Ints high = {0}, low = {0};
        for (int32_t k = 0; k < count; k++) {
            add_products(&high, pixels + k, weights[k].high);
            add_products(&low, pixels + k, weights[k].low);
        }
        finish(&high, &low);
        Ints value = high;
        // Two rows share an int, as the second pass wants them.
        if (channels == 1) {
            for (int pair = 0; pair < 8; pair++)
                out[(size_t)pair * out_stride + (size_t)x] = value[2 * pair] | value[2 * pair + 1] << 16;
        } else {
            Quad upper = __builtin_shufflevector(value, value, 0, 1, 2, 3) |
                         __builtin_shufflevector(value, value, 4, 5, 6, 7) << 16;
            Quad lower = __builtin_shufflevector(value, value, 8, 9, 10, 11) |
                         __builtin_shufflevector(value, value, 12, 13, 14, 15) << 16;
            // With three channels the fourth lane is overwritten by the next column.
            memcpy(out + x * channels, &upper, sizeof upper);
            memcpy(out + out_stride + x * channels, &lower, sizeof lower);
        }
    }
}

/// Blends pairs of rows into output row `y`: `count` values, written in blocks of 16.
static void KERNEL(down)(const int32_t *in, size_t stride, const CodecsResizePlan *plan, int32_t y,
                         uint8_t *out, size_t count) {
    const int32_t pairs = plan->count;
    const PairWeight *weights = plan->weights + (size_t)y * (size_t)pairs;
    for (size_t x = 0; x < count; x += LANES) {
        Ints high = {0}, low = {0};
        for (int32_t k = 0; k < pairs; k++) {
            Shorts pixels;
            memcpy(&pixels, in + (size_t)k * stride + x, sizeof pixels);
            add_products(&high, &pixels, weights[k].high);
            add_products(&low, &pixels, weights[k].low);
        }
        finish(&high, &low);
        Bytes bytes = __builtin_convertvector(high, Bytes);
        memcpy(out + x, &bytes, count - x < LANES ? count - x : LANES);
    }
}
