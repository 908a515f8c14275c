// Antialiased resampling of 8-bit pixels in two passes with fixed-point weights.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CODECS_FILTER_BOX,
    CODECS_FILTER_BILINEAR,
    CODECS_FILTER_BICUBIC,
    CODECS_FILTER_LANCZOS,
};

/// What every output row (or column) is made of. Immutable: threads may share it.
typedef struct CodecsResizePlan CodecsResizePlan;

/// Plans one axis: the part `from`..<`to` of `size` pixels (fractions allowed) becomes `out_size` pixels.
/// Pixels outside that part but inside the picture are seen by the filter. NULL when memory is short.
CodecsResizePlan *ccodecs_resize_plan(int filter, int32_t size, double from, double to, int32_t out_size);

void ccodecs_resize_plan_free(CodecsResizePlan *plan);

/// Resamples a picture, across by `columns` and down by `rows`, whose sizes it must have. `channels` is 1, 3
/// or 4, `stride` in bytes. `out` is tightly packed. False when memory is short.
bool ccodecs_resize(const uint8_t *source, size_t stride, int channels, const CodecsResizePlan *columns,
                    const CodecsResizePlan *rows, uint8_t *out);

/// How many versions for different instruction sets this processor can run. All give the same pixels.
int ccodecs_resize_variants(void);

/// As `ccodecs_resize`, by the version 0..<`ccodecs_resize_variants()`; 0 is the fastest, which that one takes.
bool ccodecs_resize_by(int variant, const uint8_t *source, size_t stride, int channels,
                       const CodecsResizePlan *columns, const CodecsResizePlan *rows, uint8_t *out);
