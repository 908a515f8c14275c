#include "ccodecs_zlib.h"

#include <stdlib.h>
#include <zlib.h>

struct ccodecs_inflater {
    z_stream stream;
};

// zlib counts in 32 bits.
static uInt clamp(size_t count) { return count > (1u << 30) ? (1u << 30) : (uInt)count; }

ccodecs_inflater *ccodecs_inflater_make(ccodecs_stream_kind kind) {
    ccodecs_inflater *inflater = calloc(1, sizeof(ccodecs_inflater));
    if (!inflater) return NULL;
    int bits = kind == CCODECS_RAW ? -MAX_WBITS : kind == CCODECS_GZIP ? MAX_WBITS + 16 : MAX_WBITS;
    if (inflateInit2(&inflater->stream, bits) != Z_OK) {
        free(inflater);
        return NULL;
    }
    return inflater;
}

void ccodecs_inflater_free(ccodecs_inflater *inflater) {
    if (!inflater) return;
    inflateEnd(&inflater->stream);
    free(inflater);
}

ccodecs_inflate_status ccodecs_inflater_restart(ccodecs_inflater *inflater) {
    return inflateReset(&inflater->stream) == Z_OK ? CCODECS_INFLATE_MORE : CCODECS_INFLATE_BROKEN;
}

ccodecs_inflate_status ccodecs_inflater_step(ccodecs_inflater *inflater, const uint8_t *input,
                                             size_t input_count, size_t *consumed, uint8_t *output,
                                             size_t output_count, size_t *produced) {
    z_stream *stream = &inflater->stream;
    uInt offered = clamp(input_count), space = clamp(output_count);
    stream->next_in = (Bytef *)input;
    stream->avail_in = offered;
    stream->next_out = output;
    stream->avail_out = space;
    int status = inflate(stream, Z_NO_FLUSH);
    *consumed = offered - stream->avail_in;
    *produced = space - stream->avail_out;
    stream->next_in = NULL;
    stream->next_out = NULL;
    switch (status) {
        case Z_OK: return *consumed || *produced ? CCODECS_INFLATE_MORE : CCODECS_INFLATE_STARVED;
        case Z_STREAM_END: return CCODECS_INFLATE_END;
        case Z_BUF_ERROR: return CCODECS_INFLATE_STARVED;
        case Z_MEM_ERROR: return CCODECS_INFLATE_MEMORY;
        default: return CCODECS_INFLATE_BROKEN;
    }
}

uint32_t ccodecs_crc32(uint32_t crc, const uint8_t *bytes, size_t count) {
    uLong value = crc;
    while (count) {
        uInt part = clamp(count);
        value = crc32(value, bytes, part);
        bytes += part;
        count -= part;
    }
    return (uint32_t)value;
}
