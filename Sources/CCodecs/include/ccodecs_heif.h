// HEIC and AVIF through libheif, which is loaded at run time if it is installed. Only the primary picture of a file is read.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct CodecsHEIF CodecsHEIF;

typedef struct {
    uint32_t width; // upright: rotation and mirroring are applied
    uint32_t height;
    int bit_depth; // as stored
    bool alpha;
} CodecsHEIFInfo;

/// Whether libheif was found.
bool ccodecs_heif_available(void);

/// Whether libheif was found and can decode HEVC (HEIC) or AV1 (AVIF).
bool ccodecs_heif_decodes(bool av1);

/// Reads the header. NULL on failure, with a reason in `message`. `bytes` must outlive the result.
/// @param maximum_side largest width and height; a larger picture is a failure.
CodecsHEIF *ccodecs_heif_open(const uint8_t *bytes, size_t count, int maximum_side, CodecsHEIFInfo *info,
                              char *message, size_t message_size);

/// Decodes the picture into `out`, tightly packed: RGBA, not premultiplied, with alpha, else RGB.
bool ccodecs_heif_read(CodecsHEIF *heif, uint8_t *out, size_t out_size, char *message, size_t message_size);

void ccodecs_heif_close(CodecsHEIF *heif);
