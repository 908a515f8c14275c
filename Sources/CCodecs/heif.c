#include "include/ccodecs_heif.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alpha.h"
#include "dynamic_library.h"

// The part of libheif's interface that is used, as <libheif/heif.h> of 1.8 and later declares it.
typedef struct {
    int code, subcode;
    const char *message;
} Status;
typedef struct {
    uint8_t version, ignore_transformations;
    void *progress[4];
    uint8_t convert_hdr_to_8bit; // from version 2
    uint8_t strict_decoding;     // from version 3
} Options;
enum {
    COLORSPACE_RGB = 1,
    CHROMA_RGB = 10,
    CHROMA_RGBA = 11,
    CHANNEL_INTERLEAVED = 10,
    COMPRESSION_HEVC = 1,
    COMPRESSION_AV1 = 4,
};

static struct {
    void *(*context)(void);
    void (*free_context)(void *);
    void (*limit)(void *, int);
    Status (*read)(void *, const void *, size_t, const void *);
    Status (*primary)(void *, void **);
    int (*width)(const void *);
    int (*height)(const void *);
    int (*alpha)(const void *);
    int (*bits)(const void *);
    void (*free_handle)(const void *);
    Options *(*options)(void);
    void (*free_options)(Options *);
    Status (*decode)(const void *, void **, int, int, const Options *);
    int (*image_width)(const void *, int);
    int (*image_height)(const void *, int);
    const uint8_t *(*plane)(const void *, int, int *);
    void (*free_image)(const void *);
    int (*decodes)(int);
} lib;
// Missing in old versions.
static int (*is_premultiplied)(const void *);
static bool available;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void) {
    static const char *const names[] = {"libheif.so.1", "libheif.so", "libheif.1.dylib", "libheif.dylib"};
    void *library = dynamic_library(names, sizeof names / sizeof *names);
    if (!library) return;
    const DynamicSymbol symbols[] = {
        {"heif_context_alloc", &lib.context},
        {"heif_context_free", &lib.free_context},
        {"heif_context_set_maximum_image_size_limit", &lib.limit},
        {"heif_context_read_from_memory_without_copy", &lib.read},
        {"heif_context_get_primary_image_handle", &lib.primary},
        {"heif_image_handle_get_width", &lib.width},
        {"heif_image_handle_get_height", &lib.height},
        {"heif_image_handle_has_alpha_channel", &lib.alpha},
        {"heif_image_handle_get_luma_bits_per_pixel", &lib.bits},
        {"heif_image_handle_release", &lib.free_handle},
        {"heif_decoding_options_alloc", &lib.options},
        {"heif_decoding_options_free", &lib.free_options},
        {"heif_decode_image", &lib.decode},
        {"heif_image_get_width", &lib.image_width},
        {"heif_image_get_height", &lib.image_height},
        {"heif_image_get_plane_readonly", &lib.plane},
        {"heif_image_release", &lib.free_image},
        {"heif_have_decoder_for_format", &lib.decodes},
    };
    if (!dynamic_symbols(library, symbols, sizeof symbols / sizeof *symbols)) return;
    dynamic_symbol(library, "heif_image_handle_is_premultiplied_alpha", &is_premultiplied);
    // From 1.13 on, this loads the decoders that are separate packages.
    Status (*start)(void *) = NULL;
    if (dynamic_symbol(library, "heif_init", &start)) start(NULL);
    available = true;
}

bool ccodecs_heif_available(void) {
    pthread_once(&once, load);
    return available;
}

bool ccodecs_heif_decodes(bool av1) {
    return ccodecs_heif_available() && lib.decodes(av1 ? COMPRESSION_AV1 : COMPRESSION_HEVC);
}

struct CodecsHEIF {
    void *context;
    void *handle;
    CodecsHEIFInfo info;
};

static bool failed(Status status, char *message, size_t message_size) {
    if (status.code == 0) return false;
    snprintf(message, message_size, "%s", status.message ? status.message : "unknown error");
    return true;
}

CodecsHEIF *ccodecs_heif_open(const uint8_t *bytes, size_t count, int maximum_side, CodecsHEIFInfo *info,
                              char *message, size_t message_size) {
    if (!ccodecs_heif_available()) {
        snprintf(message, message_size, "libheif is not installed");
        return NULL;
    }
    CodecsHEIF *heif = calloc(1, sizeof *heif);
    if (!heif || !(heif->context = lib.context())) {
        snprintf(message, message_size, "out of memory");
        ccodecs_heif_close(heif);
        return NULL;
    }
    lib.limit(heif->context, maximum_side);
    if (failed(lib.read(heif->context, bytes, count, NULL), message, message_size) ||
        failed(lib.primary(heif->context, &heif->handle), message, message_size)) {
        ccodecs_heif_close(heif);
        return NULL;
    }
    const int width = lib.width(heif->handle), height = lib.height(heif->handle);
    if (width <= 0 || height <= 0) {
        snprintf(message, message_size, "the picture has no pixels");
        ccodecs_heif_close(heif);
        return NULL;
    }
    const int bits = lib.bits(heif->handle);
    heif->info = (CodecsHEIFInfo){.width = (uint32_t)width,
                                  .height = (uint32_t)height,
                                  .bit_depth = bits > 0 ? bits : 8,
                                  .alpha = lib.alpha(heif->handle) != 0};
    *info = heif->info;
    return heif;
}

static bool copy(const CodecsHEIF *heif, const void *image, uint8_t *out, size_t out_size, char *message,
                 size_t message_size) {
    const CodecsHEIFInfo *info = &heif->info;
    const size_t channels = info->alpha ? 4 : 3, row_bytes = channels * info->width;
    int stride = 0;
    const uint8_t *plane = lib.plane(image, CHANNEL_INTERLEAVED, &stride);
    if (!plane || lib.image_width(image, CHANNEL_INTERLEAVED) != (int)info->width ||
        lib.image_height(image, CHANNEL_INTERLEAVED) != (int)info->height || stride < 0 ||
        (size_t)stride < row_bytes) {
        snprintf(message, message_size, "the size of the pixels differs from that in the header");
        return false;
    }
    if (out_size / info->height < row_bytes) {
        snprintf(message, message_size, "the buffer does not fit the picture");
        return false;
    }
    for (uint32_t y = 0; y < info->height; y++)
        memcpy(out + y * row_bytes, plane + y * (size_t)stride, row_bytes);
    if (info->alpha && is_premultiplied && is_premultiplied(heif->handle)) {
        for (size_t i = 0; i < (size_t)info->width * info->height; i++)
            for (int c = 0; c < 3; c++) out[4 * i + c] = unpremultiplied(out[4 * i + c], out[4 * i + 3]);
    }
    return true;
}

bool ccodecs_heif_read(CodecsHEIF *heif, uint8_t *out, size_t out_size, char *message, size_t message_size) {
    Options *options = lib.options();
    if (!options) {
        snprintf(message, message_size, "out of memory");
        return false;
    }
    if (options->version >= 2) options->convert_hdr_to_8bit = 1;
    if (options->version >= 3) options->strict_decoding = 1;
    void *image = NULL;
    const Status status = lib.decode(heif->handle, &image, COLORSPACE_RGB,
                                     heif->info.alpha ? CHROMA_RGBA : CHROMA_RGB, options);
    // The message of a status can belong to the context, which is still alive.
    bool good = !failed(status, message, message_size);
    lib.free_options(options);
    good = good && copy(heif, image, out, out_size, message, message_size);
    if (image) lib.free_image(image);
    return good;
}

void ccodecs_heif_close(CodecsHEIF *heif) {
    if (!heif) return;
    if (heif->handle) lib.free_handle(heif->handle);
    if (heif->context) lib.free_context(heif->context);
    free(heif);
}
