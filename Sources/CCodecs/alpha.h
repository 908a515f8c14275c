#ifndef CCODECS_ALPHA_H
#define CCODECS_ALPHA_H

#include <stdint.h>

// The inverse of a multiplication by alpha.
static inline uint8_t unpremultiplied(uint8_t value, uint8_t alpha) {
    if (alpha == 0) return 0;
    const unsigned result = (value * 255u + alpha / 2u) / alpha;
    return (uint8_t)(result < 255 ? result : 255);
}

#endif
