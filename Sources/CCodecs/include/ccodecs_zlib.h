#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What a step of an inflater found.
typedef enum {
    CCODECS_INFLATE_MORE = 0,     // made progress, not at the end
    CCODECS_INFLATE_END = 1,      // the stream (or gzip member) is complete and its checksum is right
    CCODECS_INFLATE_STARVED = 2,  // no progress possible: needs input or space
    CCODECS_INFLATE_BROKEN = 3,   // not a valid stream
    CCODECS_INFLATE_MEMORY = 4
} ccodecs_inflate_status;

/// The kind of stream: `CCODECS_RAW` for zip entries, `CCODECS_GZIP` for .gz, `CCODECS_ZLIB` for PNG.
typedef enum { CCODECS_RAW = 0, CCODECS_ZLIB = 1, CCODECS_GZIP = 2 } ccodecs_stream_kind;

typedef struct ccodecs_inflater ccodecs_inflater;

/// NULL if there is no memory.
ccodecs_inflater *ccodecs_inflater_make(ccodecs_stream_kind kind);
void ccodecs_inflater_free(ccodecs_inflater *inflater);
/// Begins another stream of the same kind, as after the end of a gzip member.
ccodecs_inflate_status ccodecs_inflater_restart(ccodecs_inflater *inflater);
/// Inflates from `input` to `output`; `consumed` and `produced` tell how far it came.
ccodecs_inflate_status ccodecs_inflater_step(ccodecs_inflater *inflater, const uint8_t *input,
                                             size_t input_count, size_t *consumed, uint8_t *output,
                                             size_t output_count, size_t *produced);

/// CRC-32 (as in zip, gzip and PNG) of `bytes`, continuing from `crc` (0 to begin).
uint32_t ccodecs_crc32(uint32_t crc, const uint8_t *bytes, size_t count);

#ifdef __cplusplus
}
#endif
