// TIFF through libtiff, which is loaded at run time if it is installed. Only the first picture of a file is read.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t width; // as stored, before the orientation is applied
    uint32_t height;
    int orientation; // 1...8, as in EXIF
    int bit_depth;   // as stored
    bool alpha;
    bool cmyk;
} CodecsTIFFInfo;

/// Whether libtiff was found.
bool ccodecs_tiff_available(void);

/// Properties of the first picture of a file. False on failure, with a reason in `message`.
bool ccodecs_tiff_info(const uint8_t *bytes, size_t count, CodecsTIFFInfo *info, char *message,
                       size_t message_size);

/// Decodes the first picture in the stored order of rows and columns into `out`, tightly packed: RGBA, not
/// premultiplied, if `info` has alpha, else RGB. Any complaint of libtiff about the pixels is a failure.
bool ccodecs_tiff_read(const uint8_t *bytes, size_t count, const CodecsTIFFInfo *info, uint8_t *out,
                       size_t out_size, char *message, size_t message_size);
