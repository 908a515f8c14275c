#include "include/ccodecs_png.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

// Only picture data is used. A larger chunk of any other kind is rejected.
enum { MAXIMUM_CHUNK_BYTES = 8 << 20 };

struct CodecsPNG {
    png_structp png;
    png_infop info;
    const uint8_t *bytes;
    size_t count;
    size_t position;
    uint32_t height;
    size_t row_bytes;
    char *message;
    size_t message_size;
    jmp_buf jump;
};

static void fail(png_structp png, png_const_charp text) {
    CodecsPNG *state = png_get_error_ptr(png);
    snprintf(state->message, state->message_size, "%s", text);
    longjmp(state->jump, 1);
}

static void ignore(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

static void take(png_structp png, png_bytep out, size_t count) {
    CodecsPNG *state = png_get_io_ptr(png);
    if (count > state->count - state->position) png_error(png, "the file ends too early");
    memcpy(out, state->bytes + state->position, count);
    state->position += count;
}

CodecsPNG *ccodecs_png_open(const uint8_t *bytes, size_t count, CodecsPNGInfo *info, char *message,
                            size_t message_size) {
    // Text and color profiles are skipped; their checksums are still checked.
    static const png_byte unwanted[] = "iCCP\0iTXt\0zTXt\0tEXt\0sPLT\0eXIf\0hIST\0tIME\0sBIT\0bKGD";
    CodecsPNG *state = calloc(1, sizeof *state);
    if (!state) {
        snprintf(message, message_size, "out of memory");
        return NULL;
    }
    state->bytes = bytes;
    state->count = count;
    state->message = message;
    state->message_size = message_size;
    if (setjmp(state->jump)) {
        ccodecs_png_close(state);
        return NULL;
    }
    state->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, state, fail, ignore);
    if (state->png) state->info = png_create_info_struct(state->png);
    if (!state->info) {
        snprintf(message, message_size, "libpng does not start (built for " PNG_LIBPNG_VER_STRING ")");
        ccodecs_png_close(state);
        return NULL;
    }
    png_structp png = state->png;
    png_set_read_fn(png, state, take);
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_set_chunk_malloc_max(png, MAXIMUM_CHUNK_BYTES);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, unwanted, (int)sizeof unwanted / 5);
    png_read_info(png, state->info);

    int color = png_get_color_type(png, state->info);
    bool transparent = png_get_valid(png, state->info, PNG_INFO_tRNS) != 0;
    bool alpha = (color & PNG_COLOR_MASK_ALPHA) != 0 || transparent;
    info->width = png_get_image_width(png, state->info);
    info->height = png_get_image_height(png, state->info);
    info->bit_depth = png_get_bit_depth(png, state->info);
    info->palette = color == PNG_COLOR_TYPE_PALETTE;
    png_set_expand(png);
    png_set_scale_16(png);
    if (alpha && !(color & PNG_COLOR_MASK_COLOR)) png_set_gray_to_rgb(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, state->info);
    info->channels = png_get_channels(png, state->info);
    state->height = info->height;
    state->row_bytes = png_get_rowbytes(png, state->info);
    if (png_get_bit_depth(png, state->info) != 8 || state->row_bytes / (size_t)info->channels != info->width)
        png_error(png, "a pixel layout that is not understood");
    return state;
}

bool ccodecs_png_read(CodecsPNG *state, uint8_t *out, size_t out_size, char *message, size_t message_size) {
    state->message = message;
    state->message_size = message_size;
    if (out_size / state->height < state->row_bytes) {
        snprintf(message, message_size, "the buffer is too small for the picture");
        return false;
    }
    png_bytep *volatile rows = malloc(state->height * sizeof *rows);
    if (!rows) {
        snprintf(message, message_size, "out of memory");
        return false;
    }
    for (uint32_t y = 0; y < state->height; y++) rows[y] = out + y * state->row_bytes;
    if (setjmp(state->jump)) {
        free(rows);
        return false;
    }
    png_read_image(state->png, rows);
    png_read_end(state->png, NULL);
    free(rows);
    return true;
}

void ccodecs_png_close(CodecsPNG *state) {
    if (!state) return;
    if (state->png) png_destroy_read_struct(&state->png, &state->info, NULL);
    free(state);
}
