// JPEG through libjpeg-turbo. No call prints, exits or jumps past its caller; all sizes are checked.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct CodecsJPEG CodecsJPEG;

enum {
    CODECS_JPEG_GREY = 1,
    CODECS_JPEG_RGB = 3,
    CODECS_JPEG_CMYK = 4,
};

typedef struct {
    uint32_t width; // as stored, before scaling
    uint32_t height;
    int channels; // of the decoded rows: 1 gray, 3 RGB, 4 CMYK (inverted, as Adobe stores it)
    bool progressive;
} CodecsJPEGInfo;

typedef struct {
    int warnings;        // complaints of the decoder about the data
    bool truncated;      // the data ended before the picture did
    bool nothing_intact; // the first complaint came before the first row of blocks was complete
} CodecsJPEGReport;

typedef struct {
    uint32_t x; // first column, after scaling
    uint32_t y; // first row
    uint32_t width;
    uint32_t height;
} CodecsJPEGPart;

/// Reads the header. NULL on failure, with a reason in `message`. `bytes` must outlive the result.
CodecsJPEG *ccodecs_jpeg_open(const uint8_t *bytes, size_t count, CodecsJPEGInfo *info, char *message,
                              size_t message_size);

/// The size of the picture when it is decoded at `eighths`/8 of its size (1, 2, 4 or 8).
void ccodecs_jpeg_scaled_size(CodecsJPEG *jpeg, int eighths, uint32_t *width, uint32_t *height);

/// Decodes a part into `out`, which has space for its rows in the picture's full width (tightly packed,
/// `info.channels` bytes a pixel); once only. Other columns of those rows are written or left as they are. What
/// is outside the part is decoded only as far as its pixels need it. False on failure, with a reason in
/// `message`.
bool ccodecs_jpeg_read(CodecsJPEG *jpeg, int eighths, CodecsJPEGPart part, uint8_t *out, size_t out_size,
                       CodecsJPEGReport *report, char *message, size_t message_size);

/// The first complaint of the decoder about the data, or "".
const char *ccodecs_jpeg_complaint(const CodecsJPEG *jpeg);

void ccodecs_jpeg_close(CodecsJPEG *jpeg);

/// Encodes gray (1) or RGB (3 channels). `app1`, if any, becomes one APP1 segment (at most 65,533 bytes).
/// The result is in `*out`, to be released with `ccodecs_release`.
bool ccodecs_jpeg_encode(const uint8_t *pixels, uint32_t width, uint32_t height, int channels, int quality,
                         const uint8_t *app1, size_t app1_size, uint8_t **out, size_t *out_size,
                         char *message, size_t message_size);

/// Releases memory that a codec handed out.
void ccodecs_release(void *memory);
