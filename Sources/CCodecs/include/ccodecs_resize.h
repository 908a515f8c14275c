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

/// Resamples the part `left`..<`right`, `top`..<`bottom` (in pixels, fractions allowed) of a picture.
/// Pixels outside that part but inside the picture are seen by the filter. `stride` is in bytes. `channels` 1, 3, 4.
/// `out` is tightly packed. False when memory is short.
bool ccodecs_resize(const uint8_t *source, int32_t width, int32_t height, size_t stride, int channels,
                   double left, double top, double right, double bottom, uint8_t *out, int32_t out_width,
                   int32_t out_height, int filter);
