#include "include/ccodecs_webp.h"

#include <pthread.h>
#include <stdio.h>

#include "dynamic_library.h"

// The part of libwebp's decoder interface that is used, as <webp/decode.h> of 0.5 and later declares it.
typedef struct {
    int width, height, has_alpha, has_animation, format;
    uint32_t pad[5];
} Features;
enum { DECODER_ABI_VERSION = 0x0200 };

static int (*get_features)(const uint8_t *, size_t, Features *, int);
static uint8_t *(*decode_rgb)(const uint8_t *, size_t, uint8_t *, size_t, int);
static uint8_t *(*decode_rgba)(const uint8_t *, size_t, uint8_t *, size_t, int);
static bool available;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void) {
    static const char *const names[] = {"libwebp.so.7", "libwebp.so.6", "libwebp.so", "libwebp.7.dylib",
                                        "libwebp.dylib"};
    void *library = dynamic_library(names, sizeof names / sizeof *names);
    if (!library) return;
    const DynamicSymbol symbols[] = {
        {"WebPGetFeaturesInternal", &get_features},
        {"WebPDecodeRGBInto", &decode_rgb},
        {"WebPDecodeRGBAInto", &decode_rgba},
    };
    available = dynamic_symbols(library, symbols, sizeof symbols / sizeof *symbols);
}

bool ccodecs_webp_available(void) {
    pthread_once(&once, load);
    return available;
}

bool ccodecs_webp_info(const uint8_t *bytes, size_t count, uint32_t *width, uint32_t *height, bool *alpha,
                       char *message, size_t message_size) {
    if (!ccodecs_webp_available()) {
        snprintf(message, message_size, "libwebp is not installed");
        return false;
    }
    Features features = {0};
    if (get_features(bytes, count, &features, DECODER_ABI_VERSION) != 0) {
        snprintf(message, message_size, "not a WebP header, or cut off within it");
        return false;
    }
    if (features.has_animation) {
        snprintf(message, message_size, "animated WebP");
        return false;
    }
    *width = (uint32_t)features.width;
    *height = (uint32_t)features.height;
    *alpha = features.has_alpha != 0;
    return true;
}

bool ccodecs_webp_read(const uint8_t *bytes, size_t count, bool alpha, uint32_t width, uint32_t height,
                       uint8_t *out, size_t out_size, char *message, size_t message_size) {
    if (!ccodecs_webp_available()) {
        snprintf(message, message_size, "libwebp is not installed");
        return false;
    }
    size_t stride = (size_t)width * (alpha ? 4 : 3);
    if (height == 0 || out_size / height < stride || stride > INT32_MAX) {
        snprintf(message, message_size, "the buffer does not fit the picture");
        return false;
    }
    if (!(alpha ? decode_rgba : decode_rgb)(bytes, count, out, out_size, (int)stride)) {
        snprintf(message, message_size, "the picture data is damaged or cut off");
        return false;
    }
    return true;
}
