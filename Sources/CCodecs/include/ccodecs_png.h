// PNG through libpng. No call prints, exits or jumps past its caller; all sizes are checked.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct CodecsPNG CodecsPNG;

typedef struct {
    uint32_t width;
    uint32_t height;
    int channels;  // of the decoded rows, 8 bits each: 1 gray, 3 RGB, 4 RGBA
    int bit_depth; // as stored
    bool palette;
} CodecsPNGInfo;

/// Reads the header. NULL on failure, with a reason in `message`. `bytes` must outlive the result.
CodecsPNG *ccodecs_png_open(const uint8_t *bytes, size_t count, CodecsPNGInfo *info, char *message,
                            size_t message_size);

/// Decodes the picture into `out` (tightly packed) and checks the file to its end; once only.
bool ccodecs_png_read(CodecsPNG *png, uint8_t *out, size_t out_size, char *message, size_t message_size);

void ccodecs_png_close(CodecsPNG *png);

/// Filters and deflates a picture: the payload of IDAT (or, after its number, of fdAT). `level` 0...9.
/// The result is in `*out`, to be released with `ccodecs_release`. False when memory is short.
bool ccodecs_png_pack(const uint8_t *pixels, uint32_t width, uint32_t height, int channels, int level,
                      uint8_t **out, size_t *out_size);
