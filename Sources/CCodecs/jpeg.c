#include "include/ccodecs_jpeg.h"

#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
// jerror.h follows jpeglib.h, whose types it needs.
#include <jerror.h>

// A progressive file may contain any number of scans, each of which costs a pass over the picture.
enum { MAXIMUM_SCANS = 500 };

typedef struct {
    struct jpeg_error_mgr base;
    jmp_buf jump;
    char *message;
    size_t message_size;
    char complaint[JMSG_LENGTH_MAX];
    bool truncated;
    bool nothing_intact;
} ErrorState;

struct CodecsJPEG {
    struct jpeg_decompress_struct cinfo;
    struct jpeg_progress_mgr progress;
    ErrorState error;
};

static void report_message(j_common_ptr cinfo, char *message, size_t size) {
    char text[JMSG_LENGTH_MAX];
    cinfo->err->format_message(cinfo, text);
    if (message && size) snprintf(message, size, "%s", text);
}

static void fail(j_common_ptr cinfo) {
    ErrorState *error = (ErrorState *)cinfo->err;
    report_message(cinfo, error->message, error->message_size);
    longjmp(error->jump, 1);
}

static void note(j_common_ptr cinfo, int level) {
    if (level >= 0) return; // traces
    ErrorState *error = (ErrorState *)cinfo->err;
    if (error->base.num_warnings++ == 0) {
        report_message(cinfo, error->complaint, sizeof error->complaint);
        if (cinfo->is_decompressor) {
            j_decompress_ptr d = (j_decompress_ptr)cinfo;
            error->nothing_intact = d->input_scan_number <= 1 && d->input_iMCU_row == 0;
        }
    }
    int code = error->base.msg_code;
    if (code == JWRN_JPEG_EOF) error->truncated = true;
}

static void print_nothing(j_common_ptr cinfo) { (void)cinfo; }

static void watch_scans(j_common_ptr cinfo) {
    if (!cinfo->is_decompressor) return;
    j_decompress_ptr d = (j_decompress_ptr)cinfo;
    if (d->input_scan_number <= MAXIMUM_SCANS) return;
    ErrorState *error = (ErrorState *)cinfo->err;
    snprintf(error->message, error->message_size, "more than %d scans", MAXIMUM_SCANS);
    longjmp(error->jump, 1);
}

static struct jpeg_error_mgr *prepare(ErrorState *error, char *message, size_t message_size) {
    jpeg_std_error(&error->base);
    error->base.error_exit = fail;
    error->base.emit_message = note;
    error->base.output_message = print_nothing;
    error->message = message;
    error->message_size = message_size;
    return &error->base;
}

CodecsJPEG *ccodecs_jpeg_open(const uint8_t *bytes, size_t count, CodecsJPEGInfo *info, char *message,
                              size_t message_size) {
    if (!bytes || count < 4) {
        snprintf(message, message_size, "the file is empty");
        return NULL;
    }
    CodecsJPEG *jpeg = calloc(1, sizeof *jpeg);
    if (!jpeg) {
        snprintf(message, message_size, "out of memory");
        return NULL;
    }
    jpeg->cinfo.err = prepare(&jpeg->error, message, message_size);
    if (setjmp(jpeg->error.jump)) {
        ccodecs_jpeg_close(jpeg);
        return NULL;
    }
    jpeg_create_decompress(&jpeg->cinfo);
    jpeg->progress.progress_monitor = watch_scans;
    jpeg->cinfo.progress = &jpeg->progress;
    jpeg_mem_src(&jpeg->cinfo, bytes, (unsigned long)count);
    jpeg_read_header(&jpeg->cinfo, TRUE);
    switch (jpeg->cinfo.jpeg_color_space) {
    case JCS_GRAYSCALE:
        jpeg->cinfo.out_color_space = JCS_GRAYSCALE;
        info->channels = CODECS_JPEG_GREY;
        break;
    case JCS_CMYK:
    case JCS_YCCK:
        jpeg->cinfo.out_color_space = JCS_CMYK;
        info->channels = CODECS_JPEG_CMYK;
        break;
    case JCS_RGB:
    case JCS_YCbCr:
        jpeg->cinfo.out_color_space = JCS_RGB;
        info->channels = CODECS_JPEG_RGB;
        break;
    default:
        snprintf(message, message_size, "%d components of an unknown color space",
                 jpeg->cinfo.num_components);
        ccodecs_jpeg_close(jpeg);
        return NULL;
    }
    info->width = jpeg->cinfo.image_width;
    info->height = jpeg->cinfo.image_height;
    info->progressive = jpeg->cinfo.progressive_mode;
    return jpeg;
}

void ccodecs_jpeg_scaled_size(CodecsJPEG *jpeg, int eighths, uint32_t *width, uint32_t *height) {
    uint64_t w = jpeg->cinfo.image_width, h = jpeg->cinfo.image_height;
    *width = (uint32_t)((w * (uint64_t)eighths + 7) / 8);
    *height = (uint32_t)((h * (uint64_t)eighths + 7) / 8);
}

// Skips columns that are not requested, as far as whole blocks allow, and returns the first one that is
// decoded. Chroma is interpolated across blocks: one more block on each side keeps every requested pixel exact.
static JDIMENSION crop_columns(j_decompress_ptr d, JDIMENSION first, JDIMENSION count) {
    const JDIMENSION margin = (JDIMENSION)d->max_h_samp_factor * DCTSIZE;
    const JDIMENSION end = first + count + margin;
    JDIMENSION left = first > margin ? first - margin : 0;
    JDIMENSION width = (end < d->output_width ? end : d->output_width) - left;
    if (width < d->output_width) jpeg_crop_scanline(d, &left, &width);
    return left;
}

bool ccodecs_jpeg_read(CodecsJPEG *jpeg, int eighths, CodecsJPEGPart part, uint8_t *out, size_t out_size,
                       CodecsJPEGReport *report, char *message, size_t message_size) {
    j_decompress_ptr d = &jpeg->cinfo;
    jpeg->error.message = message;
    jpeg->error.message_size = message_size;
    if (setjmp(jpeg->error.jump)) return false;
    d->scale_num = (unsigned)eighths;
    d->scale_denom = 8;
    d->dct_method = JDCT_ISLOW;
    d->do_fancy_upsampling = TRUE;
    jpeg_start_decompress(d);
    const size_t pixel_bytes = (size_t)d->output_components;
    const size_t row_bytes = (size_t)d->output_width * pixel_bytes;
    if ((uint64_t)part.y + part.height > d->output_height || part.height == 0 ||
        (uint64_t)part.x + part.width > d->output_width || part.width == 0 ||
        out_size / part.height < row_bytes) {
        snprintf(message, message_size, "rows %u..<%u, columns %u..<%u do not fit the picture", part.y,
                 part.y + part.height, part.x, part.x + part.width);
        return false;
    }
    const JDIMENSION left = part.width < d->output_width ? crop_columns(d, part.x, part.width) : 0;
    const uint32_t end = part.y + part.height;
    if (part.y > 0) jpeg_skip_scanlines(d, part.y);
    while (d->output_scanline < end) {
        uint8_t *row = out + (d->output_scanline - part.y) * row_bytes + left * pixel_bytes;
        const uint32_t wanted = end - d->output_scanline < 16 ? end - d->output_scanline : 16;
        JSAMPROW lines[16];
        for (uint32_t i = 0; i < wanted; i++) lines[i] = row + i * row_bytes;
        jpeg_read_scanlines(d, lines, wanted);
    }
    report->warnings = (int)jpeg->error.base.num_warnings;
    report->truncated = jpeg->error.truncated;
    report->nothing_intact = jpeg->error.nothing_intact;
    return true;
}

const char *ccodecs_jpeg_complaint(const CodecsJPEG *jpeg) { return jpeg->error.complaint; }

void ccodecs_jpeg_close(CodecsJPEG *jpeg) {
    if (!jpeg) return;
    jpeg_destroy_decompress(&jpeg->cinfo);
    free(jpeg);
}

// Lives in the caller's frame: a longjmp leaves its members defined.
typedef struct {
    struct jpeg_compress_struct cinfo;
    ErrorState error;
    struct jpeg_destination_mgr destination;
    // Owned here at all times. libjpeg's own memory destination frees and replaces the buffer of its caller, so after an
    // error in between the caller would free it a second time.
    unsigned char *bytes;
    size_t size, capacity;
} Encoding;

static Encoding *encoding_of(j_compress_ptr c) {
    return (Encoding *)((char *)c - offsetof(Encoding, cinfo));
}

static boolean grow(j_compress_ptr c) {
    Encoding *e = encoding_of(c);
    const size_t written = e->capacity, wanted = e->capacity ? 2 * e->capacity : 1 << 14;
    unsigned char *larger = realloc(e->bytes, wanted);
    if (!larger) {
        // "Insufficient memory", as libjpeg's own allocations report it.
        c->err->msg_code = JERR_OUT_OF_MEMORY;
        c->err->msg_parm.i[0] = 0;
        c->err->error_exit((j_common_ptr)c);
    }
    e->bytes = larger;
    e->capacity = wanted;
    e->destination.next_output_byte = e->bytes + written;
    e->destination.free_in_buffer = wanted - written;
    return TRUE;
}

static void begin(j_compress_ptr c) { grow(c); }

static void finish(j_compress_ptr c) {
    Encoding *e = encoding_of(c);
    e->size = e->capacity - e->destination.free_in_buffer;
}

static bool encode(Encoding *e, const uint8_t *pixels, uint32_t width, uint32_t height, int channels,
                   int quality, const uint8_t *app1, size_t app1_size) {
    j_compress_ptr c = &e->cinfo;
    if (setjmp(e->error.jump)) return false;
    jpeg_create_compress(c);
    e->destination = (struct jpeg_destination_mgr){
        .init_destination = begin, .empty_output_buffer = grow, .term_destination = finish};
    c->dest = &e->destination;
    c->image_width = width;
    c->image_height = height;
    c->input_components = channels;
    c->in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(c);
    jpeg_set_quality(c, quality, TRUE);
    c->optimize_coding = TRUE;
    c->dct_method = JDCT_ISLOW;
    // Chroma subsampling is visible on small faces, so files of high quality are not subsampled.
    if (quality >= 90) c->comp_info[0].h_samp_factor = c->comp_info[0].v_samp_factor = 1;
    jpeg_start_compress(c, TRUE);
    if (app1 && app1_size) jpeg_write_marker(c, JPEG_APP0 + 1, app1, (unsigned)app1_size);
    size_t row_bytes = (size_t)width * (size_t)channels;
    while (c->next_scanline < height) {
        JSAMPROW row = (JSAMPROW)(pixels + c->next_scanline * row_bytes);
        jpeg_write_scanlines(c, &row, 1);
    }
    jpeg_finish_compress(c);
    return true;
}

bool ccodecs_jpeg_encode(const uint8_t *pixels, uint32_t width, uint32_t height, int channels, int quality,
                         const uint8_t *app1, size_t app1_size, uint8_t **out, size_t *out_size,
                         char *message, size_t message_size) {
    Encoding e;
    memset(&e, 0, sizeof e);
    e.cinfo.err = prepare(&e.error, message, message_size);
    bool done = encode(&e, pixels, width, height, channels, quality, app1, app1_size);
    jpeg_destroy_compress(&e.cinfo);
    if (!done) {
        free(e.bytes);
        return false;
    }
    *out = e.bytes;
    *out_size = e.size;
    return true;
}

void ccodecs_release(void *memory) { free(memory); }
