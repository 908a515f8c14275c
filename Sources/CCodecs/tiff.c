#include "include/ccodecs_tiff.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alpha.h"
#include "dynamic_library.h"

// The part of libtiff's interface that is used, as <tiffio.h> of 4.0 and later declares it.
typedef struct TIFF TIFF;
typedef int64_t (*Transfer)(void *, void *, int64_t);
typedef uint64_t (*Seek)(void *, uint64_t, int);
typedef int (*Close)(void *);
typedef uint64_t (*Size)(void *);
typedef int (*Map)(void *, void **, uint64_t *);
typedef void (*Unmap)(void *, void *, uint64_t);
typedef void (*Handler)(const char *, const char *, va_list);
enum {
    TAG_SUBFILE_TYPE = 254,
    TAG_WIDTH = 256,
    TAG_HEIGHT = 257,
    TAG_BITS = 258,
    TAG_PHOTOMETRIC = 262,
    TAG_ORIENTATION = 274,
    TAG_SAMPLES = 277,
    TAG_EXTRA_SAMPLES = 338,
    PHOTOMETRIC_RGB = 2,
    PHOTOMETRIC_CMYK = 5,
    EXTRA_UNSPECIFIED = 0,
    EXTRA_ASSOCIATED = 1,
    EXTRA_UNASSOCIATED = 2,
};

static struct {
    TIFF *(*open)(const char *, const char *, void *, Transfer, Transfer, Seek, Close, Size, Map, Unmap);
    void (*close)(TIFF *);
    int (*field)(TIFF *, uint32_t, ...);
    int (*field_or_default)(TIFF *, uint32_t, ...);
    int (*readable)(TIFF *, char[1024]);
    int (*read)(TIFF *, uint32_t, uint32_t, uint32_t *, int, int);
    int (*is_tiled)(TIFF *);
    uint64_t (*tile_size)(TIFF *);
    uint64_t (*strip_size)(TIFF *);
    Handler (*set_error_handler)(Handler);
    Handler (*set_warning_handler)(Handler);
} lib;
static bool available;
static pthread_once_t once = PTHREAD_ONCE_INIT;

// A forged strip or tile can be larger than the picture.
static const uint64_t MAXIMUM_BLOCK_BYTES = 1u << 30;

// The first complaint of libtiff in this thread.
static _Thread_local struct {
    char *text;
    size_t size;
} complaint;

static void note(const char *module, const char *format, va_list arguments) {
    (void)module;
    if (!complaint.text || !complaint.size || complaint.text[0]) return;
    vsnprintf(complaint.text, complaint.size, format, arguments);
}

static void load(void) {
    static const char *const names[] = {"libtiff.so.6", "libtiff.so.5", "libtiff.so", "libtiff.6.dylib",
                                        "libtiff.dylib"};
    void *library = dynamic_library(names, sizeof names / sizeof *names);
    if (!library) return;
    const DynamicSymbol symbols[] = {
        {"TIFFClientOpen", &lib.open},
        {"TIFFClose", &lib.close},
        {"TIFFGetField", &lib.field},
        {"TIFFGetFieldDefaulted", &lib.field_or_default},
        {"TIFFRGBAImageOK", &lib.readable},
        {"TIFFReadRGBAImageOriented", &lib.read},
        {"TIFFIsTiled", &lib.is_tiled},
        {"TIFFTileSize64", &lib.tile_size},
        {"TIFFStripSize64", &lib.strip_size},
        {"TIFFSetErrorHandler", &lib.set_error_handler},
        {"TIFFSetWarningHandler", &lib.set_warning_handler},
    };
    if (!dynamic_symbols(library, symbols, sizeof symbols / sizeof *symbols)) return;
    // By default, libtiff prints.
    lib.set_error_handler(note);
    lib.set_warning_handler(NULL);
    available = true;
}

bool ccodecs_tiff_available(void) {
    pthread_once(&once, load);
    return available;
}

typedef struct {
    const uint8_t *bytes;
    uint64_t count;
    uint64_t position;
} Memory;

static int64_t read_memory(void *handle, void *out, int64_t wanted) {
    Memory *memory = handle;
    if (wanted <= 0 || memory->position >= memory->count) return 0;
    const uint64_t rest = memory->count - memory->position;
    const uint64_t taken = (uint64_t)wanted < rest ? (uint64_t)wanted : rest;
    memcpy(out, memory->bytes + memory->position, taken);
    memory->position += taken;
    return (int64_t)taken;
}

static int64_t write_nothing(void *handle, void *bytes, int64_t count) {
    (void)handle, (void)bytes, (void)count;
    return -1;
}

static uint64_t seek_memory(void *handle, uint64_t offset, int whence) {
    Memory *memory = handle;
    const uint64_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? memory->position : memory->count;
    memory->position = base + offset;
    return memory->position;
}

static int close_nothing(void *handle) {
    (void)handle;
    return 0;
}

static uint64_t memory_size(void *handle) { return ((Memory *)handle)->count; }

static TIFF *open_memory(Memory *memory, char *message, size_t message_size) {
    if (!ccodecs_tiff_available()) {
        snprintf(message, message_size, "libtiff is not installed");
        return NULL;
    }
    message[0] = 0;
    complaint.text = message;
    complaint.size = message_size;
    // "m": the file is read, not mapped.
    TIFF *tiff = lib.open("picture", "rm", memory, read_memory, write_nothing, seek_memory, close_nothing,
                          memory_size, NULL, NULL);
    if (!tiff && !message[0]) snprintf(message, message_size, "not a TIFF header");
    return tiff;
}

static bool close_file(TIFF *tiff, bool good, char *message, size_t message_size) {
    if (tiff) lib.close(tiff);
    complaint.text = NULL;
    if (!good && !message[0]) snprintf(message, message_size, "the file cannot be decoded");
    return good;
}

// The kind of the alpha channel: 0 if there is none.
static int alpha_kind(TIFF *tiff, uint16_t samples, uint16_t photometric) {
    uint16_t count = 0, *kinds = NULL;
    if (photometric == PHOTOMETRIC_CMYK) return 0;
    lib.field_or_default(tiff, TAG_EXTRA_SAMPLES, &count, &kinds);
    if (!count || !kinds) return 0;
    // As in libtiff: many programs do not specify the kind.
    if (kinds[0] == EXTRA_UNSPECIFIED) return samples > 3 ? EXTRA_ASSOCIATED : 0;
    return kinds[0] <= EXTRA_UNASSOCIATED ? kinds[0] : 0;
}

static bool inspect(TIFF *tiff, CodecsTIFFInfo *info, char *message, size_t message_size) {
    uint32_t kind = 0;
    if (lib.field(tiff, TAG_SUBFILE_TYPE, &kind) && (kind & 1)) {
        snprintf(message, message_size, "the first picture is a preview, as in camera raw files");
        return false;
    }
    uint16_t bits = 1, samples = 1, orientation = 1, photometric = 0;
    if (!lib.field(tiff, TAG_WIDTH, &info->width) || !lib.field(tiff, TAG_HEIGHT, &info->height)) return false;
    lib.field_or_default(tiff, TAG_BITS, &bits);
    lib.field_or_default(tiff, TAG_SAMPLES, &samples);
    lib.field_or_default(tiff, TAG_ORIENTATION, &orientation);
    lib.field(tiff, TAG_PHOTOMETRIC, &photometric);
    char reason[1024] = "";
    if (!lib.readable(tiff, reason)) {
        snprintf(message, message_size, "unsupported layout: %s", reason);
        return false;
    }
    if ((lib.is_tiled(tiff) ? lib.tile_size(tiff) : lib.strip_size(tiff)) > MAXIMUM_BLOCK_BYTES) {
        snprintf(message, message_size, "a strip or tile is too large");
        return false;
    }
    info->orientation = orientation >= 1 && orientation <= 8 ? orientation : 1;
    info->bit_depth = bits;
    info->cmyk = photometric == PHOTOMETRIC_CMYK;
    info->alpha = alpha_kind(tiff, samples, photometric) != 0;
    return true;
}

bool ccodecs_tiff_info(const uint8_t *bytes, size_t count, CodecsTIFFInfo *info, char *message,
                       size_t message_size) {
    Memory memory = {bytes, count, 0};
    TIFF *tiff = open_memory(&memory, message, message_size);
    return close_file(tiff, tiff && inspect(tiff, info, message, message_size), message, message_size);
}

static bool decode(TIFF *tiff, const CodecsTIFFInfo *expected, uint8_t *out, size_t out_size, char *message,
                   size_t message_size) {
    CodecsTIFFInfo info = *expected;
    if (!inspect(tiff, &info, message, message_size)) return false;
    const size_t pixels = (size_t)info.width * info.height, channels = info.alpha ? 4 : 3;
    if (info.width != expected->width || info.height != expected->height || info.alpha != expected->alpha ||
        !pixels || out_size / channels < pixels) {
        snprintf(message, message_size, "the buffer does not fit the picture");
        return false;
    }
    uint32_t *raster = calloc(pixels, sizeof *raster);
    if (!raster) {
        snprintf(message, message_size, "out of memory");
        return false;
    }
    // Asking for the stored orientation avoids flips, which libtiff does only for half of the orientations.
    bool good = lib.read(tiff, info.width, info.height, raster, info.orientation, 1) && !message[0];
    if (good) {
        uint16_t samples = 1, photometric = 0;
        lib.field_or_default(tiff, TAG_SAMPLES, &samples);
        lib.field(tiff, TAG_PHOTOMETRIC, &photometric);
        // libtiff premultiplies RGB with an unassociated alpha, but not gray.
        const int kind = alpha_kind(tiff, samples, photometric);
        const bool premultiplied =
            kind == EXTRA_ASSOCIATED || (kind == EXTRA_UNASSOCIATED && photometric == PHOTOMETRIC_RGB);
        for (size_t i = 0; i < pixels; i++) {
            uint8_t alpha = (uint8_t)(raster[i] >> 24), *pixel = out + channels * i;
            for (int c = 0; c < 3; c++) {
                const uint8_t value = (uint8_t)(raster[i] >> 8 * c);
                pixel[c] = info.alpha && premultiplied ? unpremultiplied(value, alpha) : value;
            }
            if (info.alpha) pixel[3] = alpha;
        }
    }
    free(raster);
    return good;
}

bool ccodecs_tiff_read(const uint8_t *bytes, size_t count, const CodecsTIFFInfo *info, uint8_t *out,
                       size_t out_size, char *message, size_t message_size) {
    Memory memory = {bytes, count, 0};
    TIFF *tiff = open_memory(&memory, message, message_size);
    return close_file(tiff, tiff && decode(tiff, info, out, out_size, message, message_size), message,
                      message_size);
}
