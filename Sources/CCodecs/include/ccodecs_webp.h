// WebP through libwebp, which is loaded at run time if it is installed.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Whether libwebp was found.
bool ccodecs_webp_available(void);

/// Size of a still WebP picture. False on failure, with a reason in `message`.
bool ccodecs_webp_info(const uint8_t *bytes, size_t count, uint32_t *width, uint32_t *height, bool *alpha,
                       char *message, size_t message_size);

/// Decodes into `out`, tightly packed: RGBA with `alpha`, else RGB.
bool ccodecs_webp_read(const uint8_t *bytes, size_t count, bool alpha, uint32_t width, uint32_t height,
                       uint8_t *out, size_t out_size, char *message, size_t message_size);
