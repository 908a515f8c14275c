// The two passes of a resize. Included once for each instruction set, after these were defined:
//   KERNEL(name)    a name of its own for that set
//   TARGET          what the compiler must know about the set
//   GROUP           how many blocks of sums are made together, so that a weight is fetched once for all
//   add_products    sum[i] += pixels[2i] * weight's low half + pixels[2i+1] * weight's high half

/// Makes `blocks` blocks of 16 pixel values, each of `plan->count` pairs: the pairs of a block lie `next_pair`
/// bytes apart, the blocks `next_block`. `blocks` is a constant, at most GROUP.
TARGET INLINE void KERNEL(weigh)(Ints *values, const void *pixels, size_t next_pair, size_t next_block,
                                 const PairWeight *weights, int32_t count, const int blocks) {
    Ints low[GROUP];
    for (int b = 0; b < blocks; b++) values[b] = low[b] = (Ints){0};
    for (int32_t k = 0; k < count; k++) {
        for (int b = 0; b < blocks; b++) {
            Shorts pair;
            memcpy(&pair, (const char *)pixels + (size_t)k * next_pair + (size_t)b * next_block, sizeof pair);
            add_products(values + b, &pair, weights[k].high);
            add_products(low + b, &pair, weights[k].low);
        }
    }
    for (int b = 0; b < blocks; b++) finish(values + b, low + b);
}

TARGET INLINE void KERNEL(across_blocks)(const Shorts *pixels, size_t pixels_stride,
                                         const CodecsResizePlan *plan, const int channels, int32_t *out,
                                         size_t out_stride, const int blocks) {
    const int32_t count = plan->count;
    for (int32_t x = 0; x < plan->out_size; x++) {
        Ints values[GROUP];
        const PairWeight *weights = plan->weights + (size_t)x * (size_t)count;
        KERNEL(weigh)(values, pixels + plan->first[x], sizeof(Shorts), pixels_stride * sizeof(Shorts), weights,
                      count, blocks);
        for (int b = 0; b < blocks; b++) {
            // Two rows share an int, as the second pass wants them.
            if (channels == 1) {
                int32_t *line = out + (size_t)(8 * b) * out_stride + (size_t)x;
                for (int pair = 0; pair < 8; pair++, line += out_stride)
                    *line = values[b][2 * pair] | values[b][2 * pair + 1] << 16;
            } else {
                int32_t *line = out + (size_t)(2 * b) * out_stride + (size_t)(x * channels);
                HalfShorts rows = __builtin_convertvector(values[b], HalfShorts);
                HalfShorts pairs = __builtin_shufflevector(rows, rows, 0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13,
                                                           10, 14, 11, 15);
                // With three channels the fourth lane is overwritten by the next column.
                memcpy(line, &pairs, sizeof pairs / 2);
                memcpy(line + out_stride, (const char *)&pairs + sizeof pairs / 2, sizeof pairs / 2);
            }
        }
    }
}

TARGET INLINE void KERNEL(across_channels)(const uint8_t *const *lines, int blocks, const int channels,
                                           Shorts *scratch, const CodecsResizePlan *plan, int32_t *out,
                                           size_t out_stride) {
    const int height = channels == 1 ? 16 : 4;
    const size_t stride = (size_t)(plan->size / 2 + 1);
    for (int b = 0; b < blocks; b++) {
        Shorts *pixels = scratch + (size_t)b * stride;
        if (channels == 1)
            gather_gray(lines + b * height, plan->size, pixels);
        else
            gather_color(lines + b * height, plan->size, channels, pixels);
    }
    if (blocks == GROUP) {
        KERNEL(across_blocks)(scratch, stride, plan, channels, out, out_stride, GROUP);
        return;
    }
    for (int b = 0; b < blocks; b++, scratch += stride, out += (size_t)(height / 2) * out_stride)
        KERNEL(across_blocks)(scratch, stride, plan, channels, out, out_stride, 1);
}

/// Resamples `blocks` blocks of rows across, GROUP at most; `lines` are their rows. `scratch` has space for
/// GROUP blocks of `width / 2 + 1` vectors: for each pair of source columns, 16 lanes of two neighboring
/// pixels; a lane is a row and channel. `out` receives pairs of rows, one after the other in each int.
TARGET static void KERNEL(across)(const uint8_t *const *lines, int blocks, int channels, Shorts *scratch,
                                  const CodecsResizePlan *plan, int32_t *out, size_t out_stride) {
    // Each call is compiled for its number of channels.
    if (channels == 1)
        KERNEL(across_channels)(lines, blocks, 1, scratch, plan, out, out_stride);
    else if (channels == 3)
        KERNEL(across_channels)(lines, blocks, 3, scratch, plan, out, out_stride);
    else
        KERNEL(across_channels)(lines, blocks, 4, scratch, plan, out, out_stride);
}

/// Blends pairs of rows into output row `y`: `count` values, written in blocks of 16.
TARGET static void KERNEL(down)(const int32_t *in, size_t stride, const CodecsResizePlan *plan, int32_t y,
                                uint8_t *out, size_t count) {
    const PairWeight *weights = plan->weights + (size_t)y * (size_t)plan->count;
    size_t x = 0;
    for (; count - x >= GROUP * LANES; x += GROUP * LANES) {
        Ints values[GROUP];
        KERNEL(weigh)(values, in + x, stride * sizeof *in, sizeof(Shorts), weights, plan->count, GROUP);
        for (int b = 0; b < GROUP; b++) {
            Bytes bytes = __builtin_convertvector(values[b], Bytes);
            memcpy(out + x + b * LANES, &bytes, sizeof bytes);
        }
    }
    for (; x < count; x += LANES) {
        Ints value;
        KERNEL(weigh)(&value, in + x, stride * sizeof *in, sizeof(Shorts), weights, plan->count, 1);
        Bytes bytes = __builtin_convertvector(value, Bytes);
        memcpy(out + x, &bytes, count - x < LANES ? count - x : LANES);
    }
}

#undef KERNEL
#undef TARGET
#undef GROUP
#undef add_products
